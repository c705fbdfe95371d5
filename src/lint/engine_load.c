/* Rules are read: compiled, run once, and asked for their parts. */
#include "base/alloc.h"
#include "lint/engine_state.h"

#include "lint/rules.inc"

#include <stdio.h>
#include <string.h>

/* What a rule that is being read is, for the code under lua_pcall. */
struct load {
    struct engine *engine;
    struct engine_rule *rule;
    const char *source;
    size_t size;
};

/* A copy that lives as long as the rule. */
static const char *copied(lua_State *L, struct engine_rule *rule, const char *text, size_t size)
{
    char *copy = alloc_copy(text, size);
    if (copy != NULL) {
        rule->strings[rule->string_count++] = copy;
    } else {
        engine_of(L)->starved = true;
        luaL_error(L, "not enough memory");
    }
    return copy;
}

/* A part of the table on top that is text. */
static const char *read_text(lua_State *L, struct engine_rule *rule, const char *part, bool line)
{
    size_t size;
    int type = lua_getfield(L, -1, part);
    if (type == LUA_TNIL)
        luaL_error(L, "has no '%s'", part);
    if (type != LUA_TSTRING)
        luaL_error(L, "'%s' is a %s, not a string", part, luaL_typename(L, -1));
    const char *text = lua_tolstring(L, -1, &size);
    if (size == 0)
        luaL_error(L, "'%s' is empty", part);
    if (memchr(text, 0, size) != NULL)
        luaL_error(L, "'%s' has a NUL in it", part);
    if (line && strchr(text, '\n') != NULL)
        luaL_error(L, "'%s' is more than one line", part);
    text = copied(L, rule, text, size);
    lua_pop(L, 1);
    return text;
}

static vouch_lint_severity read_severity(lua_State *L)
{
    int type = lua_getfield(L, -1, "severity");
    const char *name = type == LUA_TSTRING ? lua_tostring(L, -1) : "";
    vouch_lint_severity severity = VOUCH_LINT_OFF;
    if (strcmp(name, "error") == 0)
        severity = VOUCH_LINT_ERROR;
    else if (strcmp(name, "warning") == 0)
        severity = VOUCH_LINT_WARNING;
    else if (strcmp(name, "info") == 0)
        severity = VOUCH_LINT_INFO;
    else
        luaL_error(L, type == LUA_TNIL ? "has no 'severity'"
                                       : "'severity' is none of 'error', 'warning', 'info'");
    lua_pop(L, 1);
    return severity;
}

/* Under lua_pcall. */
static int load_rule(lua_State *L)
{
    const struct load *load = lua_touserdata(L, 1);
    vouch_lint_rule *told = &load->rule->told;
    char chunk[VOUCH_LINT_RULE_MAX + 8];
    snprintf(chunk, sizeof chunk, "=rule:%s", told->name);
    lua_settop(L, 0);
    engine_watch(L);
    if (luaL_loadbufferx(L, load->source, load->size, chunk, "t") != LUA_OK)
        return lua_error(L);
    engine_push_environment(L);
    lua_setupvalue(L, -2, 1);
    load->engine->current = load->rule;
    lua_call(L, 0, 1);
    engine_look_back(L);
    if (!lua_istable(L, -1))
        luaL_error(L, "returns a %s, not a table", luaL_typename(L, -1));
    told->severity = read_severity(L);
    told->summary = read_text(L, load->rule, "summary", true);
    told->why = read_text(L, load->rule, "why", false);
    told->bad = read_text(L, load->rule, "bad", false);
    told->good = read_text(L, load->rule, "good", false);
    if (lua_getfield(L, -1, "check") != LUA_TFUNCTION)
        luaL_error(L, "'check' is a %s, not a function", luaL_typename(L, -1));
    engine_look_back(L);
    load->rule->check = luaL_ref(L, LUA_REGISTRYINDEX);
    return 0;
}

/* ---- the list of rules ---- */

void engine_free_rule(struct engine_rule *rule)
{
    if (rule == NULL)
        return;
    for (size_t i = 0; i < sizeof rule->strings / sizeof rule->strings[0]; i++)
        alloc_free(rule->strings[i]);
    alloc_free(rule);
}

/* Where a name is, or belongs. */
static size_t place_of(const struct engine *engine, const char *name, bool *there)
{
    size_t i = 0;
    int order = -1;
    while (i < engine->rule_count && (order = strcmp(engine->rules[i]->told.name, name)) < 0)
        i++;
    *there = i < engine->rule_count && order == 0;
    return i;
}

/* The list has room. */
static void insert(struct engine *engine, struct engine_rule *rule)
{
    bool there;
    size_t i = place_of(engine, rule->told.name, &there);
    if (there) {
        struct engine_rule *old = engine->rules[i];
        luaL_unref(engine->lua, LUA_REGISTRYINDEX, old->check);
        old->next = engine->replaced;
        engine->replaced = old;
    } else {
        memmove(&engine->rules[i + 1], &engine->rules[i],
                (engine->rule_count++ - i) * sizeof(struct engine_rule *));
    }
    engine->rules[i] = rule;
}

static bool good_name(const char *name)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    return n > 0 && name[n] == 0 && n < VOUCH_LINT_RULE_MAX;
}

static vouch_status refuse(struct engine *engine, const char *name, int status, vouch_error *error)
{
    lua_State *L = engine->lua;
    const char *reason = "an error that is no string";
    if (engine->starved)
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "reading the rule '%s'", name);
    if (engine->trouble == ENGINE_STEPS)
        reason = "it takes more steps than a rule may";
    else if (engine->trouble == ENGINE_MEMORY || status == LUA_ERRMEM)
        reason = "it takes more memory than rules may";
    else if (lua_type(L, -1) == LUA_TSTRING)
        reason = lua_tostring(L, -1);
    return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE, "the rule '%s': %s", name, reason);
}

static struct engine_rule *new_rule(const struct engine *engine, const char *name, bool own)
{
    struct engine_rule *rule = alloc_zeroed(1, sizeof *rule);
    if (rule == NULL)
        return NULL;
    rule->told.own = own;
    rule->steps = engine->steps;
    rule->told.name = rule->strings[0] = alloc_copy(name, strlen(name));
    rule->string_count = 1;
    if (rule->told.name != NULL)
        return rule;
    engine_free_rule(rule);
    return NULL;
}

vouch_status engine_add(struct engine *engine, const char *name, const char *source, size_t size,
                        bool own, vouch_error *error)
{
    if (!good_name(name))
        return error_set(error, VOUCH_EINVAL, VOUCH_CAUSE_NONE,
                         "the rule '%s': a name is up to %d letters (small), digits and hyphens",
                         name, VOUCH_LINT_RULE_MAX - 1);
    struct engine_rule *rule = new_rule(engine, name, own);
    if (rule == NULL || !alloc_grow((void **)&engine->rules, &engine->rule_capacity,
                                    engine->rule_count + 1, sizeof(struct engine_rule *))) {
        engine_free_rule(rule);
        return error_set(error, VOUCH_ENOMEM, VOUCH_CAUSE_MEMORY, "reading the rule '%s'", name);
    }
    struct load load = {.engine = engine, .rule = rule, .source = source, .size = size};
    engine->starved = false;
    int status = engine_protect(engine, load_rule, &load);
    vouch_status result = VOUCH_OK;
    if (status != LUA_OK)
        result = refuse(engine, name, status, error);
    lua_settop(engine->lua, 0);
    if (result == VOUCH_OK) {
        insert(engine, rule);
        engine->base = engine->used;
        error_clear(error);
    } else {
        engine_free_rule(rule);
    }
    return result;
}

vouch_status engine_add_builtin(struct engine *engine, vouch_error *error)
{
    error_clear(error);
    for (size_t i = 0; rules[i].name != NULL; i++) {
        vouch_status status =
            engine_add(engine, rules[i].name, rules[i].source, rules[i].size, false, error);
        if (status != VOUCH_OK)
            return status;
    }
    return VOUCH_OK;
}

/* ---- what all rules share: the sandbox of servers, and functions ---- */

static void freeze_all(lua_State *L)
{
    luaL_checkstack(L, 8, NULL);
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        if (lua_istable(L, -1)) {
            freeze_all(L);
            lua_pushvalue(L, -2);
            lua_insert(L, -2);
            lua_rawset(L, -4);
        } else {
            lua_pop(L, 1);
        }
    }
    engine_freeze(L);
}

/* What a chunk of ours gives, on top; nil if it is empty. */
static void run_chunk(lua_State *L, const char *name, const char *source, size_t size)
{
    if (size == 0) {
        lua_pushnil(L);
        return;
    }
    if (luaL_loadbufferx(L, source, size, name, "t") != LUA_OK)
        lua_error(L);
    engine_push_environment(L);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, 1);
}

void engine_push_sandbox(lua_State *L)
{
    run_chunk(L, "=sandbox.lua", sandbox, sizeof sandbox - 1);
    if (lua_istable(L, -1))
        freeze_all(L);
}

void engine_push_common(lua_State *L)
{
    run_chunk(L, "=common.lua", common, sizeof common - 1);
}
