/* The engine as its users see it: made, asked for its rules, run. */
#include "lint/engine.h"

#include "base/alloc.h"
#include "lint/engine_state.h"

#include <string.h>

/* ---- making ---- */

/* Under lua_pcall: the shared globals, the objects, `lint`. */
static int open_all(lua_State *L)
{
    struct engine *engine = lua_touserdata(L, 1);
    static const luaL_Reg *const functions[] = {engine_asks, engine_calls, engine_places,
                                                engine_tables};
    lua_settop(L, 0);
    engine_open_libraries(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_SHARED(engine));
    lua_newtable(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_INFOS(engine));
    engine_push_common(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_COMMON(engine));
    engine_push_objects(L);
    int objects = lua_gettop(L);
    lua_pushvalue(L, objects);
    lua_rawsetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_OBJECTS(engine));
    lua_pushvalue(L, objects);
    lua_pushcclosure(L, engine_go, 1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_GO(engine));
    lua_newtable(L);
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        lua_pushvalue(L, objects);
        luaL_setfuncs(L, functions[i], 1);
    }
    engine_push_sandbox(L);
    lua_setfield(L, -2, "sandbox");
    engine_tell_later(L, objects);
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_FIELDS(engine));
    engine_freeze(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_LINT(engine));
    return 0;
}

/* Pushing these two allocates nothing, so that all else is under lua_pcall. */
int engine_protect(struct engine *engine, int (*function)(lua_State *), void *argument)
{
    lua_State *L = engine->lua;
    engine->current = NULL;
    engine->trouble = ENGINE_FINE;
    size_t own = engine->base; /* and the table of objects, of which there are fewer than 2^32 */
    if (engine->source != NULL)
        own += engine->source->tree->nodes * ENGINE_PLACE_BYTES;
    engine->limit = engine->memory < SIZE_MAX - own ? own + engine->memory : SIZE_MAX;
    lua_settop(L, 0);
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, argument);
    return lua_pcall(L, 1, 0, 0);
}

bool engine_new(size_t memory, uint64_t steps, struct engine **out)
{
    *out = NULL;
    struct engine *engine = alloc_zeroed(1, sizeof *engine);
    if (engine == NULL)
        return false;
    engine->collecting = true; /* as Lua begins */
    engine->memory = memory;
    engine->steps = steps;
    engine->base = engine->limit = SIZE_MAX; /* what it takes itself is not bounded */
    engine->lua = lua_newstate(engine_allocate, engine);
    if (engine->lua != NULL) {
        *(struct engine **)lua_getextraspace(engine->lua) = engine;
        if (engine_protect(engine, open_all, engine) == LUA_OK) {
            engine->base = engine->used;
            *out = engine;
            return true;
        }
    }
    engine_free(engine);
    return false;
}

void engine_free(struct engine *engine)
{
    if (engine == NULL)
        return;
    if (engine->lua != NULL)
        lua_close(engine->lua);
    for (size_t i = 0; i < engine->rule_count; i++)
        engine_free_rule(engine->rules[i]);
    while (engine->replaced != NULL) {
        struct engine_rule *next = engine->replaced->next;
        engine_free_rule(engine->replaced);
        engine->replaced = next;
    }
    for (size_t i = 0; i < ENGINE_HOOKS; i++)
        alloc_free(engine->hooks[i].items);
    alloc_free(engine->rules);
    arena_free(&engine->scratch);
    alloc_free(engine);
}

size_t engine_rule_count(const struct engine *engine)
{
    return engine->rule_count;
}

vouch_lint_rule *engine_rule_at(struct engine *engine, size_t index)
{
    return index < engine->rule_count ? &engine->rules[index]->told : NULL;
}

/* ---- running ---- */

/* Under lua_pcall. */
static int go_on(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_GO(engine_of(L)));
    lua_call(L, 0, 0);
    return 0;
}

/* Data flow, or an earlier run, has left something of its own in `user`. */
static void forget_objects(struct lint_tree *tree)
{
    for (struct lint_node *node = tree->whole ? tree->root : NULL, *next; node != NULL;
         node = next) {
        node->user = NULL;
        next = engine_first_child(node);
        while (next == NULL && node != NULL) {
            next = engine_sibling(node);
            node = node->parent;
        }
    }
}

/* False: memory is short. */
static bool begin(struct engine *engine, const struct engine_source *source)
{
    engine->objects = 0;
    forget_objects(source->tree);
    engine->nodes_seen = 0;
    engine->nodes = alloc_zeroed(source->tree->nodes + (size_t)1, sizeof *engine->nodes);
    engine->variables =
        alloc_zeroed(source->tree->variables + (size_t)1, sizeof *engine->variables);
    if (engine->nodes == NULL || engine->variables == NULL)
        return false;
    uint64_t more = (uint64_t)source->tree->size * ENGINE_STEPS_PER_BYTE;
    engine->run++;
    engine->source = source;
    engine->phase = ENGINE_PREPARE;
    engine->functions = 0;
    engine->rule = engine->hook = 0;
    engine->remark = source->tree->remarks;
    engine->told = NULL;
    engine->node = NULL;
    for (size_t i = 0; i < ENGINE_HOOKS; i++)
        engine->hooks[i].count = 0;
    for (size_t i = 0; i < engine->rule_count; i++) {
        struct engine_rule *rule = engine->rules[i];
        rule->steps = engine->steps > UINT64_MAX - more ? UINT64_MAX : engine->steps + more;
        rule->allocated = 0;
        rule->failed = false;
        rule->first = rule->last = 0;
    }
    return true;
}

/* Under lua_pcall: what the run made goes. */
static int clear(lua_State *L)
{
    lua_rawgetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_OBJECTS(engine_of(L)));
    engine_drop_objects(L);
    lua_pushnil(L);
    lua_rawsetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_FUNCTIONS(engine_of(L)));
    return 0;
}

static bool end(struct engine *engine)
{
    bool good = engine_protect(engine, clear, NULL) == LUA_OK;
    arena_reset(&engine->scratch);
    alloc_free(engine->nodes);
    alloc_free(engine->variables);
    engine->source = NULL;
    engine->current = NULL;
    return good;
}

/* Under lua_pcall: lets go of what a rule that failed holds. */
static int drop_functions(lua_State *L)
{
    const struct engine_rule *rule = lua_touserdata(L, 1);
    lua_rawgetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_FUNCTIONS(engine_of(L)));
    for (int i = rule->first; i < rule->last; i++) {
        lua_pushboolean(L, 0);
        lua_rawseti(L, -2, i);
    }
    return 0;
}

/* Ends the rule that raised an error, so that the others go on. False: it is not a rule's error. */
static bool end_rule(struct engine *engine, int status)
{
    struct engine_rule *rule = engine->current;
    if (rule == NULL || engine->starved || engine->trouble == ENGINE_STOPPED)
        return false;
    if (!engine_report_failure(engine, status))
        return false;
    rule->failed = true;
    return engine_protect(engine, drop_functions, rule) == LUA_OK;
}

bool engine_run(struct engine *engine, const struct engine_source *source, engine_report report,
                void *context)
{
    bool good;
    engine->report = report;
    engine->context = context;
    engine->starved = false;
    good = begin(engine, source);
    while (good && engine->phase != ENGINE_DONE) {
        int status = engine_protect(engine, go_on, NULL);
        good = status == LUA_OK ? !engine->starved : end_rule(engine, status);
    }
    return end(engine) && good;
}
