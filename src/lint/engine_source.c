/* What `lint` says of the source itself: what it is, whom it is for, its first line, its comments. */
#include "lint/engine_state.h"

#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* ---- the shebang: fields apart by space, as servers read them ---- */

struct span {
    const char *text;
    size_t size;
};

/* The next field of a line, taken off it; false at the end. */
static bool next_field(struct span *line, struct span *field)
{
    while (line->size > 0 && is_space(*line->text)) {
        line->text++;
        line->size--;
    }
    field->text = line->text;
    while (line->size > 0 && !is_space(*line->text)) {
        line->text++;
        line->size--;
    }
    field->size = (size_t)(line->text - field->text);
    return field->size > 0;
}

/* Whether a field is `name`=…; then it is what follows. */
static bool take_name(struct span *field, const char *name)
{
    size_t n = strlen(name);
    if (field->size < n || memcmp(field->text, name, n) != 0)
        return false;
    field->text += n;
    field->size -= n;
    return true;
}

/* Adds the words of "a,b" to the set at `set`. */
static void add_flags(lua_State *L, int set, struct span flags)
{
    while (flags.size > 0) {
        const char *comma = memchr(flags.text, ',', flags.size);
        size_t n = comma != NULL ? (size_t)(comma - flags.text) : flags.size;
        if (n > 0) {
            lua_pushlstring(L, flags.text, n);
            lua_pushboolean(L, 1);
            lua_rawset(L, set);
        }
        n += comma != NULL;
        flags.text += n;
        flags.size -= n;
    }
}

static void tell_shebang(lua_State *L, int fields, const struct lint_tree *tree)
{
    lua_pushnil(L);
    lua_setfield(L, fields, "library");
    if (tree->shebang == 0) {
        lua_pushnil(L);
        lua_setfield(L, fields, "shebang");
        lua_pushnil(L);
        lua_setfield(L, fields, "flags");
        return;
    }
    struct span line = {tree->source, tree->shebang}, field;
    lua_pushlstring(L, line.text, line.size);
    lua_setfield(L, fields, "shebang");
    lua_newtable(L);
    int set = lua_gettop(L);
    next_field(&line, &field); /* "#!lua" */
    while (next_field(&line, &field)) {
        if (take_name(&field, "flags=")) {
            add_flags(L, set, field);
        } else if (take_name(&field, "name=")) {
            lua_pushlstring(L, field.text, field.size);
            lua_setfield(L, fields, "library");
        }
    }
    engine_freeze(L);
    lua_setfield(L, fields, "flags");
}

/* ---- targets ---- */

static void tell_targets(lua_State *L, int fields, const struct engine_source *source)
{
    luaL_Buffer names;
    lua_newtable(L);
    int set = lua_gettop(L);
    luaL_buffinit(L, &names);
    bool first = true;
    for (int i = 0; i < LINT_TARGETS; i++) {
        if (!(source->targets & (uint32_t)1 << i))
            continue;
        const char *name = lint_target_name((enum lint_target_index)i);
        if (!first)
            luaL_addchar(&names, ',');
        first = false;
        luaL_addstring(&names, name);
    }
    luaL_pushresult(&names);
    if (!source->targeted)
        lua_pushnil(L);
    lua_setfield(L, fields, "target");
    lua_settop(L, set);
    for (int i = 0; i < LINT_TARGETS; i++) {
        lua_pushboolean(L, 1);
        if (!(source->targets & (uint32_t)1 << i))
            lua_pushnil(L);
        lua_setfield(L, set, lint_target_name((enum lint_target_index)i));
        lua_settop(L, set);
    }
    engine_freeze(L);
    lua_setfield(L, fields, "targets");
}

void engine_tell_source(lua_State *L, const struct engine_source *source)
{
    int fields = lua_gettop(L);
    lua_pushstring(L, source->kind == LINT_SOURCE_EVAL ? "eval" : "function");
    lua_setfield(L, fields, "kind");
    if (source->numkeys_known)
        lua_pushinteger(L, source->numkeys);
    else
        lua_pushnil(L);
    lua_setfield(L, fields, "numkeys");
    tell_targets(L, fields, source);
    tell_shebang(L, fields, source->tree);
    /* What is made later. */
    lua_pushnil(L);
    lua_setfield(L, fields, "source");
    lua_pushnil(L);
    lua_setfield(L, fields, "comments");
}

/* ---- what is made when it is asked for: few rules need it, and it is as large as the source ---- */

static void push_comments(lua_State *L, int objects, const struct lint_comment *comment)
{
    lua_newtable(L);
    for (lua_Integer i = 1; comment != NULL; comment = comment->next, i++) {
        lua_createtable(L, 0, 5);
        lua_pushinteger(L, comment->line);
        lua_setfield(L, -2, "line");
        lua_pushinteger(L, comment->column);
        lua_setfield(L, -2, "column");
        lua_pushinteger(L, (lua_Integer)comment->offset + 1);
        lua_setfield(L, -2, "offset");
        lua_pushinteger(L, comment->finish);
        lua_setfield(L, -2, "finish");
        lua_pushboolean(L, comment->alone);
        lua_setfield(L, -2, "alone");
        engine_guard(L, objects);
        lua_rawseti(L, -2, i);
    }
    engine_guard(L, objects);
}

/* The __index of the table of fields; a field that is not there is nil. */
static int make_field(lua_State *L)
{
    const struct engine *engine = engine_of(L);
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (strcmp(name, "source") == 0)
        lua_pushlstring(L, engine->source->tree->source, engine->source->tree->size);
    else if (strcmp(name, "comments") == 0)
        push_comments(L, ENGINE_OBJECTS, engine->source->tree->comments);
    else
        return 0;
    lua_pushvalue(L, 2);
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
}

void engine_tell_later(lua_State *L, int objects)
{
    lua_newtable(L);
    lua_pushvalue(L, objects);
    lua_pushcclosure(L, make_field, 1);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
}
