/* What rules are given of Lua: what computes, and nothing that reaches out, goes on unseen or differs from run to
 * run.
 *
 * Left out, beside what loads and prints: collectgarbage, coroutines (another count of instructions), xpcall (its
 * handler would run where no hook does), math.random, string.dump, and finalizers, which run at any time. */
#include "lint/engine_pattern.h"
#include "lint/engine_state.h"

#include <lualib.h>
#include <string.h>

int engine_refuse_change(lua_State *L)
{
    return luaL_error(L, "what rules are given is read-only (field '%s')",
                      lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?");
}

/* ---- tables that read as others do, and do not change ---- */

static int frozen_next(lua_State *L)
{
    lua_settop(L, 2);
    lua_replace(L, 1); /* what stands there is the frozen one, which is empty */
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    if (lua_next(L, 1) != 0)
        return 2;
    lua_pushnil(L);
    return 1;
}

static int frozen_pairs(lua_State *L)
{
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, frozen_next, 1);
    lua_pushvalue(L, 1);
    lua_pushnil(L);
    return 3;
}

static int frozen_length(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)lua_rawlen(L, lua_upvalueindex(1)));
    return 1;
}

void engine_freeze(lua_State *L)
{
    int table = lua_gettop(L);
    lua_newtable(L);
    lua_createtable(L, 0, 5);
    lua_pushvalue(L, table);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, engine_refuse_change);
    lua_setfield(L, -2, "__newindex");
    lua_pushvalue(L, table);
    lua_pushcclosure(L, frozen_pairs, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushvalue(L, table);
    lua_pushcclosure(L, frozen_length, 1);
    lua_setfield(L, -2, "__len");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
    lua_remove(L, table);
}

/* ---- functions that would go around that ---- */

/* Upvalue: the one of Lua. A metatable that says __metatable is not a rule's to change: nor is what has one. */
static int guarded_rawset(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return engine_refuse_change(L);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    lua_rawset(L, 1);
    return 1;
}

static int guarded_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (!lua_isnoneornil(L, 2))
        luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "rules have no finalizers (__gc)");
        lua_settop(L, 2);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 2, 1);
    return 1;
}

static const char *const basic[] = {
    "_VERSION", "assert", "error",  "getmetatable", "ipairs",   "next",     "pairs", "pcall",
    "rawequal", "rawget", "rawlen", "select",       "tonumber", "tostring", "type",  NULL};

static const luaL_Reg libraries[] = {{"string", luaopen_string},
                                     {"table", luaopen_table},
                                     {"math", luaopen_math},
                                     {"utf8", luaopen_utf8},
                                     {NULL, NULL}};

static void remove_field(lua_State *L, const char *name)
{
    lua_pushnil(L);
    lua_setfield(L, -2, name);
}

/* ("x"):rep(2) goes through the metatable of strings. */
static void guard_strings(lua_State *L)
{
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
}

void engine_open_libraries(lua_State *L)
{
    lua_newtable(L);
    int shared = lua_gettop(L);
    luaL_requiref(L, "_G", luaopen_base, 0);
    for (const char *const *name = basic; *name != NULL; name++) {
        lua_getfield(L, -1, *name);
        lua_setfield(L, shared, *name);
    }
    lua_getfield(L, -1, "setmetatable");
    lua_pushcclosure(L, guarded_setmetatable, 1);
    lua_setfield(L, shared, "setmetatable");
    lua_pushcfunction(L, guarded_rawset);
    lua_setfield(L, shared, "rawset");
    lua_pop(L, 1);
    for (const luaL_Reg *library = libraries; library->name != NULL; library++) {
        luaL_requiref(L, library->name, library->func, 0);
        engine_bound_library(L, library->name);
        if (strcmp(library->name, "string") == 0) {
            remove_field(L, "dump");
            luaL_setfuncs(L, engine_string_functions, 0);
        } else if (strcmp(library->name, "math") == 0) {
            remove_field(L, "random");
            remove_field(L, "randomseed");
        }
        engine_freeze(L);
        lua_setfield(L, shared, library->name);
    }
    guard_strings(L);
}

/* ---- the globals of one rule ---- */

static int refuse_global(lua_State *L)
{
    return luaL_error(L, "writes the global '%s': make it local",
                      lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?");
}

void engine_push_environment(lua_State *L)
{
    lua_newtable(L);
    lua_createtable(L, 0, 3);
    lua_rawgetp(L, LUA_REGISTRYINDEX, ENGINE_KEY_SHARED(engine_of(L)));
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, refuse_global);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}
