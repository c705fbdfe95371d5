/* Lua's own functions that can take long in one instruction, paid for by what they are given. What allocates is paid
 * for by the allocator; comparing long strings is not, being no function. */
#include "lint/engine_state.h"

#include <string.h>

/* Upvalue 1 of each: the function of Lua, which uses no upvalues itself. */
static int go_on(lua_State *L)
{
    return lua_tocfunction(L, lua_upvalueindex(1))(L);
}

/* Functions of `string` and `utf8` whose first argument is a string: its length. */
static int pay_length(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TSTRING)
        engine_charge(L, lua_rawlen(L, 1) / ENGINE_BYTES_PER_STEP);
    return go_on(L);
}

/* string.rep(s, n, sep): also of nothing. */
static int pay_repetition(lua_State *L)
{
    size_t size, between = 0;
    luaL_checklstring(L, 1, &size);
    lua_Integer n = luaL_checkinteger(L, 2);
    if (!lua_isnoneornil(L, 3))
        luaL_checklstring(L, 3, &between);
    if (n > 0)
        engine_charge(L, (uint64_t)n / 4);
    return go_on(L);
}

/* Functions of `table` that look at all of one: its length, which no __len may make up. */
static int pay_table(lua_State *L)
{
    if (lua_istable(L, 1)) {
        if (luaL_getmetafield(L, 1, "__len") != LUA_TNIL)
            luaL_argerror(L, 1, "has a length of its own making");
        engine_charge(L, lua_rawlen(L, 1) / 4);
    }
    return go_on(L);
}

/* table.insert(t, value) and table.remove(t) move nothing: only what is put into the middle, or taken from there,
 * costs what is behind it. */
static int pay_insert(lua_State *L)
{
    return lua_gettop(L) > 2 ? pay_table(L) : go_on(L);
}

static int pay_remove(lua_State *L)
{
    return lua_gettop(L) > 1 ? pay_table(L) : go_on(L);
}

/* table.sort: some rounds more, and what it compares. */
static int pay_sorting(lua_State *L)
{
    if (lua_istable(L, 1))
        engine_charge(L, lua_rawlen(L, 1) * 8);
    return pay_table(L);
}

/* table.concat(t, sep, i, j), table.unpack(t, i, j): from `first` to the one behind it. */
static int pay_range(lua_State *L, int first)
{
    lua_Integer from = luaL_optinteger(L, first, 1);
    if (lua_isnoneornil(L, first + 1)) {
        if (lua_istable(L, 1))
            engine_charge(L, lua_rawlen(L, 1) / 4);
    } else {
        lua_Integer to = luaL_checkinteger(L, first + 1);
        if (to > from)
            engine_charge(L, ((lua_Unsigned)to - (lua_Unsigned)from) / 4);
    }
    return go_on(L);
}

static int pay_concat(lua_State *L)
{
    return pay_range(L, 3);
}

static int pay_unpack(lua_State *L)
{
    return pay_range(L, 2);
}

/* table.move(a, f, e, t) */
static int pay_move(lua_State *L)
{
    lua_Integer from = luaL_checkinteger(L, 2), to = luaL_checkinteger(L, 3);
    if (to > from)
        engine_charge(L, (lua_Unsigned)to - (lua_Unsigned)from);
    return go_on(L);
}

/* A new one costs a step for its call alone: not worth a wrapper. */
static int (*payment(const char *library, const char *name))(lua_State *)
{
    static const struct {
        const char *name;
        int (*pay)(lua_State *);
    } rows[] = {
        {"string.rep", pay_repetition}, {"string.find", NULL},        {"string.match", NULL},
        {"string.gmatch", NULL},        {"string.gsub", NULL},        {"table.concat", pay_concat},
        {"table.unpack", pay_unpack},   {"table.move", pay_move},     {"table.sort", pay_sorting},
        {"table.pack", NULL},           {"table.insert", pay_insert}, {"table.remove", pay_remove}};
    size_t n = strlen(library);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (strncmp(rows[i].name, library, n) == 0 && strcmp(rows[i].name + n + 1, name) == 0)
            return rows[i].pay;
    return strcmp(library, "table") == 0 ? pay_table : pay_length;
}

void engine_bound_library(lua_State *L, const char *library)
{
    if (strcmp(library, "math") == 0)
        return;
    int table = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        const char *name = lua_tostring(L, -2); /* names are strings */
        int (*pay)(lua_State *) = lua_iscfunction(L, -1) ? payment(library, name) : NULL;
        if (pay != NULL) {
            lua_pushcclosure(L, pay, 1);
            lua_setfield(L, table, name); /* one that is there: no harm to the loop */
        } else {
            lua_pop(L, 1);
        }
    }
}
