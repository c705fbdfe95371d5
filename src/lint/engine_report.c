/* Findings: what rules report, and that a rule failed. And the text of places. */
#include "base/error.h"
#include "lint/engine_state.h"

#include <stdio.h>
#include <string.h>

/* Bytes of a message about a rule that failed. */
#define FAILURE_MAX 512

struct place {
    uint32_t offset, finish; /* source[offset, finish) */
};

/* Where a node is told to be: all of it, but of `a // b` the operator. */
static struct place place_of(const struct lint_node *node)
{
    if (node->kind != LINT_BINARY)
        return (struct place){node->offset, node->finish};
    size_t size = strlen(lint_operator_text((enum lint_operator)node->op));
    return (struct place){node->at, node->at + (uint32_t)size};
}

static lua_Integer check_field(lua_State *L, int argument, const char *name)
{
    lua_getfield(L, argument, name);
    int exact;
    lua_Integer value = lua_tointegerx(L, -1, &exact);
    if (!exact)
        luaL_argerror(L, argument, lua_pushfstring(L, "has no number '%s'", name));
    lua_pop(L, 1);
    return value;
}

/* An argument that is a node, or a table with `offset` and `finish`, as remarks and comments are. */
static struct place check_place(lua_State *L, int argument, bool whole)
{
    if (!lua_istable(L, argument)) {
        const struct lint_node *node = engine_check_node(L, argument);
        return whole ? (struct place){node->offset, node->finish} : place_of(node);
    }
    lua_Integer size = (lua_Integer)engine_of(L)->source->tree->size;
    lua_Integer offset = check_field(L, argument, "offset");
    lua_Integer finish = check_field(L, argument, "finish");
    if (offset < 1 || offset > size + 1 || finish < offset - 1 || finish > size)
        luaL_argerror(L, argument, "is outside of the source");
    return (struct place){(uint32_t)(offset - 1), (uint32_t)finish};
}

static vouch_lint_severity check_severity(lua_State *L, int argument, vouch_lint_severity severity)
{
    static const char *const names[] = {"info", "warning", "error", NULL};
    if (lua_isnoneornil(L, argument))
        return severity;
    int asked = VOUCH_LINT_INFO + luaL_checkoption(L, argument, NULL, names);
    return asked < (int)severity ? (vouch_lint_severity)asked : severity;
}

static void report(lua_State *L, struct place place, const char *message, size_t size,
                   vouch_lint_severity severity)
{
    struct engine *engine = engine_of(L);
    if (!engine->report(engine->context, engine->current->told.name, severity, place.offset,
                        place.finish, message, size))
        engine_stop(L);
}

static int report_place(lua_State *L)
{
    struct place place = check_place(L, 1, false);
    size_t size;
    luaL_checktype(L, 2, LUA_TSTRING);
    const char *message = luaL_checklstring(L, 2, &size);
    vouch_lint_severity severity = check_severity(L, 3, engine_of(L)->current->told.severity);
    report(L, place, message, size, severity);
    return 0;
}

static void set_integer(lua_State *L, const char *name, uint32_t value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

void engine_push_remark(lua_State *L, const struct lint_remark *remark)
{
    lua_createtable(L, 0, 5);
    lua_pushstring(L, remark->message);
    lua_setfield(L, -2, "message");
    set_integer(L, "line", remark->line);
    set_integer(L, "column", remark->column);
    set_integer(L, "offset", remark->offset + 1);
    set_integer(L, "finish", remark->finish);
}

static int report_remark(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    struct place place = check_place(L, 1, false);
    size_t size;
    if (lua_getfield(L, 1, "message") != LUA_TSTRING)
        luaL_argerror(L, 1, "has no message");
    const char *message = lua_tolstring(L, -1, &size);
    report(L, place, message, size, engine_of(L)->current->told.severity);
    return 0;
}

static int ask_text(lua_State *L)
{
    struct place place = check_place(L, 1, true);
    lua_pushlstring(L, engine_of(L)->source->tree->source + place.offset,
                    place.finish - place.offset);
    return 1;
}

const luaL_Reg engine_places[] = {
    {"report", report_place},
    {"remark", report_remark},
    {"text", ask_text},
    {NULL, NULL},
};

/* ---- rules that fail ---- */

/* What the rule was looking at; the source's beginning, if it is nothing. */
static struct place failure_place(const struct engine *engine)
{
    if (engine->told != NULL)
        return (struct place){engine->told->offset, engine->told->finish};
    if (engine->phase == ENGINE_WALK && engine->node != NULL && engine->node->kind != LINT_CHUNK)
        return place_of(engine->node);
    return (struct place){0, 0};
}

/* The error on top of the stack, as it may be put into a message. */
static void error_text(struct engine *engine, char *out, size_t room)
{
    size_t size = 0;
    if (lua_type(engine->lua, -1) == LUA_TSTRING) {
        const char *text = lua_tolstring(engine->lua, -1, &size);
        error_escape(out, room, text, size);
    } else {
        snprintf(out, room, "it raised an error that is a %s", luaL_typename(engine->lua, -1));
    }
}

bool engine_report_failure(struct engine *engine, int status)
{
    char message[FAILURE_MAX], reason[FAILURE_MAX - 128];
    if (engine->trouble == ENGINE_STEPS)
        snprintf(reason, sizeof reason, "it took more steps than it may");
    else if (engine->trouble == ENGINE_MEMORY || status == LUA_ERRMEM)
        snprintf(reason, sizeof reason, "it took more memory than it may");
    else
        error_text(engine, reason, sizeof reason);
    int size =
        snprintf(message, sizeof message, "the rule '%s' failed, and was left out from here on: %s",
                 engine->current->told.name, reason);
    struct place place = failure_place(engine);
    return engine->report(engine->context, "rule-failed", VOUCH_LINT_ERROR, place.offset,
                          place.finish, message, (size_t)size);
}
