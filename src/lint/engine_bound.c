/* What a rule may use: steps and bytes. And when garbage is collected.
 *
 * A step is an instruction of Lua, or 64 bytes allocated, or what C does for a rule in about that time
 * (engine_charge). A rule that has none left is ended: by an error at its next instruction, and, in case that it
 * catches errors, at every one after that.
 *
 * Bytes are counted for all rules together, since nobody knows whose a value is. So that one that hoards does not
 * leave the next one without memory, the last eighth is for rules that have not allocated half of it. */
#include "base/alloc.h"
#include "lint/engine_state.h"

static void look_at_the_clock(lua_State *L, lua_Debug *at);

/* Ends the rule at its next instruction, and, if it catches that error, at every one after that. */
static void end_soon(struct engine *engine, enum engine_trouble trouble)
{
    engine->trouble = trouble;
    lua_sethook(engine->lua, look_at_the_clock, LUA_MASKCOUNT, 1);
}

static bool pays(struct engine *engine, uint64_t steps)
{
    struct engine_rule *rule = engine->current;
    if (rule == NULL)
        return true;
    if (rule->steps >= steps) {
        rule->steps -= steps;
        return true;
    }
    rule->steps = 0;
    end_soon(engine, ENGINE_STEPS);
    return false;
}

/* Lua asks twice, with garbage collected in between: only then there is no memory. */
static bool refuse(struct engine *engine)
{
    if (engine->refused && engine->current != NULL && engine->trouble == ENGINE_FINE)
        end_soon(engine, ENGINE_MEMORY);
    engine->refused = true;
    return false;
}

static bool may_grow(struct engine *engine, size_t size)
{
    struct engine_rule *rule = engine->current;
    size_t limit = engine->limit;
    if (rule != NULL && rule->allocated > engine->memory / 2)
        limit -= engine->memory / 8;
    if (engine->used > limit || size > limit - engine->used)
        return refuse(engine);
    if (!pays(engine, size / ENGINE_BYTES_PER_STEP))
        return false;
    engine->refused = false;
    if (rule != NULL)
        rule->allocated += size;
    return true;
}

/* Lua's allocator: `old` means bytes only if there is a block. Making one smaller never fails. */
void *engine_allocate(void *context, void *block, size_t old, size_t size)
{
    struct engine *engine = context;
    if (block == NULL)
        old = 0;
    if (size == 0) {
        engine->used -= old;
        alloc_free(block);
        return NULL;
    }
    if (size > old && !may_grow(engine, size - old))
        return NULL;
    void *moved = alloc_resize(block, size);
    if (moved == NULL) {
        if (size > old) {
            engine->starved = true;
            return NULL;
        }
        moved = block;
    }
    engine->used = engine->used - old + size;
    return moved;
}

/* Most sources are done with before there is garbage worth a look: until then none is collected. */
static void collect_if_large(struct engine *engine)
{
    bool large = engine->used > engine->base && engine->used - engine->base > engine->memory / 4;
    if (large != engine->collecting)
        lua_gc(engine->lua, large ? LUA_GCRESTART : LUA_GCSTOP);
    engine->collecting = large;
}

static void look_at_the_clock(lua_State *L, lua_Debug *at)
{
    (void)at;
    struct engine *engine = engine_of(L);
    collect_if_large(engine);
    if (engine->trouble != ENGINE_FINE || !pays(engine, ENGINE_STRIDE))
        luaL_error(L, "stopped");
}

void engine_watch(lua_State *L)
{
    struct engine *engine = engine_of(L);
    engine->trouble = ENGINE_FINE;
    engine->refused = false;
    collect_if_large(engine);
    lua_sethook(L, look_at_the_clock, LUA_MASKCOUNT, ENGINE_STRIDE);
}

void engine_charge(lua_State *L, uint64_t steps)
{
    struct engine *engine = engine_of(L);
    if (engine->trouble != ENGINE_FINE || !pays(engine, steps))
        luaL_error(L, "stopped");
}

void engine_stop(lua_State *L)
{
    end_soon(engine_of(L), ENGINE_STOPPED);
    luaL_error(L, "stopped");
}
