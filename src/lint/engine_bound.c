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
    engine->trouble = ENGINE_STEPS;
    return false;
}

static bool may_grow(struct engine *engine, size_t size)
{
    struct engine_rule *rule = engine->current;
    size_t limit = engine->limit;
    if (rule != NULL && rule->allocated > engine->memory / 2)
        limit -= engine->memory / 8;
    if (engine->used > limit || size > limit - engine->used)
        return false;
    if (!pays(engine, size / ENGINE_BYTES_PER_STEP))
        return false;
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

static void look_at_the_clock(lua_State *L, lua_Debug *at);

/* The rule that catches this error meets it again at its next instruction. */
static void stop(lua_State *L)
{
    lua_sethook(L, look_at_the_clock, LUA_MASKCOUNT, 1);
    luaL_error(L, "stopped");
}

static void look_at_the_clock(lua_State *L, lua_Debug *at)
{
    (void)at;
    struct engine *engine = engine_of(L);
    collect_if_large(engine);
    if (engine->trouble != ENGINE_FINE || !pays(engine, ENGINE_STRIDE))
        stop(L);
}

void engine_watch(lua_State *L)
{
    struct engine *engine = engine_of(L);
    engine->trouble = ENGINE_FINE;
    collect_if_large(engine);
    lua_sethook(L, look_at_the_clock, LUA_MASKCOUNT, ENGINE_STRIDE);
}

void engine_charge(lua_State *L, uint64_t steps)
{
    struct engine *engine = engine_of(L);
    if (engine->trouble != ENGINE_FINE || !pays(engine, steps))
        stop(L);
}

void engine_stop(lua_State *L)
{
    engine_of(L)->trouble = ENGINE_STOPPED;
    stop(L);
}
