/* string.find, match, gmatch and gsub, with engine_pattern.c's patterns. What they take and give is as in Lua 5.4. */
#include "lint/engine_pattern.h"

#include <assert.h>
#include <string.h>

/* ---- captures ---- */

/* Pushes capture i; of a pattern without any, 0 is all that matched. */
static void push_capture(struct pattern_match *m, int i, const char *s, const char *end)
{
    if (i >= m->level) {
        if (i != 0)
            luaL_error(m->L, "invalid capture index %%%d", i + 1);
        lua_pushlstring(m->L, s, (size_t)(end - s));
    } else if (m->captures[i].size == PATTERN_IS_PLACE) {
        lua_pushinteger(m->L, m->captures[i].text - m->begin + 1);
    } else if (m->captures[i].size == PATTERN_IS_OPEN) {
        luaL_error(m->L, "unfinished capture");
    } else {
        lua_pushlstring(m->L, m->captures[i].text, (size_t)m->captures[i].size);
    }
}

/* All of them; at least one, if `whole`. */
static int push_captures(struct pattern_match *m, const char *s, const char *end, bool whole)
{
    int count = m->level == 0 && whole ? 1 : m->level;
    luaL_checkstack(m->L, count, "too many captures");
    for (int i = 0; i < count; i++)
        push_capture(m, i, s, end);
    return count;
}

static struct pattern_match begin_match(lua_State *L, const char *text, size_t size)
{
    return (struct pattern_match){.L = L, .begin = text, .end = text + size};
}

/* ---- find, match ---- */

/* Where a search begins, from 0: of what is given from 1 or, if negative, from the end. Beyond the end: `size` + 1. */
static size_t begin_at(lua_State *L, int argument, size_t size)
{
    lua_Integer at = luaL_optinteger(L, argument, 1);
    if (at > 0)
        return (lua_Unsigned)at - 1 > size ? size + 1 : (size_t)at - 1;
    if (at == 0 || at < -(lua_Integer)size)
        return 0;
    return size + (size_t)at;
}

/* Where `word` is in a text, or NULL. */
static const char *find_plain(lua_State *L, const char *text, size_t size, const char *word,
                              size_t word_size)
{
    if (word_size == 0)
        return text;
    engine_charge(L, size / ENGINE_BYTES_PER_STEP);
    const char *end = text + size;
    while ((size_t)(end - text) >= word_size) {
        const char *p = memchr(text, *word, (size_t)(end - text) - word_size + 1);
        if (p == NULL)
            return NULL;
        if (memcmp(p, word, word_size) == 0)
            return p;
        engine_charge(L, 1 + word_size / ENGINE_BYTES_PER_STEP);
        text = p + 1;
    }
    return NULL;
}

static int found(lua_State *L, const char *text, const char *s, const char *end)
{
    lua_pushinteger(L, s - text + 1);
    lua_pushinteger(L, end - text);
    return 2;
}

static int find_or_match(lua_State *L, bool find)
{
    size_t size, pattern_size;
    const char *text = luaL_checklstring(L, 1, &size);
    const char *words = luaL_checklstring(L, 2, &pattern_size);
    size_t at = begin_at(L, 3, size);
    if (at > size) {
        luaL_pushfail(L);
        return 1;
    }
    bool plain = lua_toboolean(L, 4);
    for (size_t i = 0; find && !plain; i++) {
        plain = i == pattern_size;
        if (plain || (words[i] != 0 && strchr("^$*+?.([%-", words[i]) != NULL))
            break;
    }
    if (find && plain) {
        const char *s = find_plain(L, text + at, size - at, words, pattern_size);
        if (s != NULL)
            return found(L, text, s, s + pattern_size);
        luaL_pushfail(L);
        return 1;
    }
    const struct pattern *pattern = pattern_push(L, words, pattern_size, true);
    struct pattern_match m = begin_match(L, text, size);
    const char *s = text + at, *end;
    do {
        end = pattern_match(&m, pattern, s);
    } while (end == NULL && s++ < m.end && !pattern->anchored);
    if (end == NULL) {
        luaL_pushfail(L);
        return 1;
    }
    if (!find)
        return push_captures(&m, s, end, true);
    found(L, text, s, end);
    return 2 + push_captures(&m, s, end, false);
}

static int string_find(lua_State *L)
{
    return find_or_match(L, true);
}

static int string_match(lua_State *L)
{
    return find_or_match(L, false);
}

/* ---- gmatch ---- */

/* Upvalues: the text, the pattern, where to go on from 0, the end of the last match from 1 or 0. */
static int next_match(lua_State *L)
{
    size_t size;
    const char *text = lua_tolstring(L, lua_upvalueindex(1), &size);
    assert(text != NULL);
    const struct pattern *pattern = lua_touserdata(L, lua_upvalueindex(2));
    size_t at = (size_t)lua_tointeger(L, lua_upvalueindex(3));
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(4));
    struct pattern_match m = begin_match(L, text, size);
    for (; at <= size; at++) {
        const char *end = pattern_match(&m, pattern, text + at);
        if (end == NULL || end - text + 1 == last)
            continue;
        lua_pushinteger(L, end - text);
        lua_replace(L, lua_upvalueindex(3));
        lua_pushinteger(L, end - text + 1);
        lua_replace(L, lua_upvalueindex(4));
        return push_captures(&m, text + at, end, true);
    }
    lua_pushinteger(L, (lua_Integer)size + 1);
    lua_replace(L, lua_upvalueindex(3));
    return 0;
}

static int string_gmatch(lua_State *L)
{
    size_t size, pattern_size;
    luaL_checklstring(L, 1, &size);
    const char *words = luaL_checklstring(L, 2, &pattern_size);
    size_t at = begin_at(L, 3, size);
    lua_settop(L, 2);
    lua_pushvalue(L, 1);
    pattern_push(L, words, pattern_size, false);
    lua_pushinteger(L, (lua_Integer)at);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, next_match, 4);
    return 1;
}

/* ---- gsub ---- */

/* A replacement that is a string: %1 and its like stand for captures. */
static void add_text(struct pattern_match *m, luaL_Buffer *out, const char *s, const char *end)
{
    size_t size;
    const char *text = lua_tolstring(m->L, 3, &size);
    for (const char *p = text, *stop = text + size; p < stop; p++) {
        if (*p != '%') {
            luaL_addchar(out, *p);
            continue;
        }
        p++;
        if (p < stop && *p == '%') {
            luaL_addchar(out, '%');
        } else if (p < stop && *p == '0') {
            luaL_addlstring(out, s, (size_t)(end - s));
        } else if (p < stop && *p >= '1' && *p <= '9') {
            push_capture(m, *p - '1', s, end);
            luaL_tolstring(m->L, -1, NULL);
            lua_remove(m->L, -2);
            luaL_addvalue(out);
        } else {
            luaL_error(m->L, "invalid use of '%%' in replacement string");
        }
    }
}

/* What a match becomes: what the function or the table says, or, if that is nil or false, what it was. */
static void add_match(struct pattern_match *m, luaL_Buffer *out, const char *s, const char *end,
                      int type)
{
    lua_State *L = m->L;
    if (type == LUA_TFUNCTION) {
        lua_pushvalue(L, 3);
        lua_call(L, push_captures(m, s, end, true), 1);
    } else if (type == LUA_TTABLE) {
        push_capture(m, 0, s, end);
        lua_gettable(L, 3);
    } else {
        add_text(m, out, s, end);
        return;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(out, s, (size_t)(end - s));
    } else if (lua_isstring(L, -1)) {
        luaL_addvalue(out);
    } else {
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    }
}

static int string_gsub(lua_State *L)
{
    size_t size, pattern_size;
    const char *text = luaL_checklstring(L, 1, &size);
    const char *words = luaL_checklstring(L, 2, &pattern_size);
    int type = lua_type(L, 3);
    luaL_argexpected(L,
                     type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION ||
                         type == LUA_TTABLE,
                     3, "string/function/table");
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)size + 1), count = 0;
    lua_settop(L, 3);
    const struct pattern *pattern = pattern_push(L, words, pattern_size, true);
    struct pattern_match m = begin_match(L, text, size);
    const char *s = text, *last = NULL;
    luaL_Buffer out;
    luaL_buffinit(L, &out);
    while (count < most) {
        const char *end = pattern_match(&m, pattern, s);
        if (end != NULL && end != last) {
            count++;
            add_match(&m, &out, s, end, type);
            s = last = end;
        } else if (s < m.end) {
            luaL_addchar(&out, *s++);
        } else {
            break;
        }
        if (pattern->anchored)
            break;
    }
    luaL_addlstring(&out, s, (size_t)(m.end - s));
    luaL_pushresult(&out);
    lua_pushinteger(L, count);
    return 2;
}

const luaL_Reg engine_string_functions[] = {
    {"find", string_find},
    {"match", string_match},
    {"gmatch", string_gmatch},
    {"gsub", string_gsub},
    {NULL, NULL},
};
