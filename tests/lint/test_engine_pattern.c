/* Rules' patterns do what Lua's own do: both are given the same texts, by hand and by chance. */
#include "lint/engine_pattern.h"
#include "suite.h"

#include <check.h>
#include <lualib.h>

/* `ours` beside `string`. What only ours refuses is a pattern that is malformed where Lua's never looked. */
static const char compare[] =
    "local count, matched, refused = 0, 0, 0\n"
    "local function show(result)\n"
    "    local out = {}\n"
    "    for i = 1, result.n do out[i] = tostring(result[i]) end\n"
    "    return table.concat(out, '|')\n"
    "end\n"
    "local function all(gmatch, ...)\n"
    "    local out = {}\n"
    "    for a, b in gmatch(...) do out[#out + 1] = tostring(a) .. ',' .. tostring(b)\n"
    "        if #out > 50 then break end end\n"
    "    return table.concat(out, ';')\n"
    "end\n"
    "local function same(name, ...)\n"
    "    local f, g = string[name], ours[name]\n"
    "    local a, b\n"
    "    if name == 'gmatch' then\n"
    "        a, b = table.pack(pcall(all, f, ...)), table.pack(pcall(all, g, ...))\n"
    "    else\n"
    "        a, b = table.pack(pcall(f, ...)), table.pack(pcall(g, ...))\n"
    "    end\n"
    "    count = count + 1\n"
    "    if a[1] and a[2] then matched = matched + 1 end\n"
    "    if not b[1] then\n"
    "        refused = refused + 1\n"
    "        if not a[1] or b[2]:find('malformed') or b[2]:find('missing') then return end\n"
    "    end\n"
    "    if show(a) ~= show(b) then\n"
    "        local given = table.pack(...)\n"
    "        for i = 1, given.n do given[i] = string.format('%q', tostring(given[i])) end\n"
    "        error(name .. '(' .. table.concat(given, ', ') .. '):\\n  ' .. show(a) .. '\\n  ' ..\n"
    "              show(b), 0)\n"
    "    end\n"
    "end\n";

static const char by_hand[] =
    "local rows = {'', 'a', 'abc', '^a', 'c$', '^abc$', 'a*', 'a+', 'a-', 'a?', 'a-b', '.-c', "
    "'(a)(b)',\n"
    "    '()b()', '(a(b)c)', '%a+', '%A', '%d%d', '[abc]', '[^abc]', '[a-c]+', '[]]', '[^]]', "
    "'[a-]',\n"
    "    '[-a]', '[%a_][%w_]*', '%b()', '%f[%w]%w+', '%f[%W]', '(a)%1', '%%', '%.', '$', '$$', "
    "'a$b',\n"
    "    '^', '^^', '(', ')', '(()', '%', '[', '[a', '[%', '%b', '%b(', '%f', '%fa', '%1', '(%1)', "
    "'%0',\n"
    "    '[%]]', '[a%-z]', '[z-a]', '%z', '%Z', '\\0', '[\\0]', '(.)(.)(.)', '((((.))))', '.*', "
    "'(.*)%s',\n"
    "    '%s*$', '^%s*(.-)%s*$', '*', '+', '?', '-', 'a**', 'a+?', '(a*(.)%w(%s*))', '%x+', '%p', "
    "'%c',\n"
    "    '%g+', '%l%u', '[%l%u]', '[^%s]+', '[a-%%]', '[%a-z]', '[+-.]', '()', '(()())', "
    "'a.-b.-c'}\n"
    "local texts = {'', 'a', 'abc', 'aaa', 'aab', 'abcabc', '  abc  ', '(a(b)c)', 'THE (quick) "
    "fox',\n"
    "    'a.b%c', 'x = 10, y = 20', 'a\\0b', '\\255\\200', 'hello world', 'aBc_1', ']', '-', "
    "'^a$', '10%'}\n"
    "for _, pattern in ipairs(rows) do for _, text in ipairs(texts) do\n"
    "    same('find', text, pattern) same('match', text, pattern) same('gmatch', text, pattern)\n"
    "    for _, init in ipairs({0, 2, -1, -2, 9, -99, math.maxinteger, math.mininteger}) do\n"
    "        same('find', text, pattern, init) same('match', text, pattern, init)\n"
    "        same('gmatch', text, pattern, init) same('find', text, pattern, init, true) end\n"
    "    for _, by in ipairs({'', 'x', '<%0>', '%1', '%2', '%%', '%', '%x', 7, {a = 'A', b = "
    "false, abc = 1},\n"
    "        string.upper, function() end, function(x, y) return y end, function() return {} end}) "
    "do\n"
    "        same('gsub', text, pattern, by) same('gsub', text, pattern, by, 1) same('gsub', text, "
    "pattern, by, 0)\n"
    "    end\n"
    "end end\n"
    "for _, name in ipairs({'find', 'match', 'gmatch', 'gsub'}) do\n"
    "    same(name) same(name, 'a') same(name, nil, 'a') same(name, 'a', {}) same(name, 12, 1)\n"
    "    same(name, 'a', 'a', {}) same(name, 'a', 'a', 'b', {}) same(name, 'a', 'a', nil) end\n"
    "same('match', ('a'):rep(12), ('a?'):rep(12) .. ('a'):rep(12))\n"
    "same('match', 'x', ('(x)'):rep(33)) same('match', ('x'):rep(40), ('(x)'):rep(32))\n"
    "same('find', ('ab'):rep(500) .. 'aab', 'aab') same('find', 'aaab', 'b', 2, true)\n"
    "return count, matched, refused\n";

static const char by_chance[] =
    "math.randomseed(20240607)\n"
    "local parts = {'a', 'b', 'c', '.', '%a', '%d', '%s', '%w', '%A', '[ab]', '[^a]', '[a-c]', "
    "'(', ')', '()',\n"
    "    '%b()', '%f[a]', '%1', '%2', '*', '+', '-', '?', '^', '$', ' ', '1', '%%', '[', ']', "
    "'%'}\n"
    "local letters = {'a', 'b', 'c', 'A', ' ', '1', '(', ')', '%', '\\0', '-'}\n"
    "local function some(from, most)\n"
    "    local out = {}\n"
    "    for i = 1, math.random(0, most) do out[i] = from[math.random(#from)] end\n"
    "    return table.concat(out)\n"
    "end\n"
    "for i = 1, 60000 do\n"
    "    local text, pattern = some(letters, 12), some(parts, 7)\n"
    "    same('find', text, pattern, math.random(-3, 4)) same('match', text, pattern)\n"
    "    same('gmatch', text, pattern) same('gsub', text, pattern, '<%0%1>')\n"
    "end\n"
    "return count, matched, refused\n";

static void run(const char *what, lua_Integer matched)
{
    static struct engine engine; /* nobody pays */
    lua_State *L = luaL_newstate();
    ck_assert_ptr_nonnull(L);
    engine.lua = L;
    *(struct engine **)lua_getextraspace(L) = &engine;
    luaL_openlibs(L);
    lua_newtable(L);
    luaL_setfuncs(L, engine_string_functions, 0);
    lua_setglobal(L, "ours");
    lua_pushstring(L, compare);
    lua_pushstring(L, what);
    lua_concat(L, 2);
    int status = luaL_loadstring(L, lua_tostring(L, -1));
    if (status == LUA_OK)
        status = lua_pcall(L, 0, 3, 0);
    ck_assert_msg(status == LUA_OK, "%s", lua_tostring(L, -1));
    ck_assert_int_ge(lua_tointeger(L, -2),
                     matched); /* not all of it is refused, or finds nothing */
    lua_close(L);
}

START_TEST(patterns_by_hand)
{
    run(by_hand, 10000);
}
END_TEST

START_TEST(patterns_by_chance)
{
    run(by_chance, 50000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("patterns");
    TCase *c = tcase_create("patterns");
    tcase_add_test(c, patterns_by_hand);
    tcase_add_test(c, patterns_by_chance);
    tcase_set_timeout(c, 120);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_FORK_GETENV);
}
