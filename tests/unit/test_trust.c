/* Which scripts can forge an error: the table that the servers are asked of (live/forgeries.c), and
 * scripts as people write them, of which none may be held for a forger without need. */
#include "forgeries.h"
#include "script/trust.h"
#include "suite.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static bool can_forge(const char *source, size_t size)
{
    /* Of just its size, so that a sanitizer sees a read beyond it. */
    char *copy = malloc(size ? size : 1);
    memcpy(copy, source, size);
    bool can = script_can_forge(copy, size);
    free(copy);
    return can;
}

START_TEST(every_way_to_forge_is_known)
{
    for (size_t i = 0; i < forgery_count; i++)
        ck_assert_msg(can_forge(forgeries[i].source, strlen(forgeries[i].source)) ==
                          forgeries[i].can,
                      "%s", forgeries[i].source);
}
END_TEST

static const char *const honest[] = {
    "",
    "return",
    "return 1",
    "return redis.call('GET', KEYS[1])",
    "#!lua flags=no-writes,allow-stale\r\nreturn redis.call('GET', KEYS[1])",
    /* a lock given back */
    "if redis.call('get', KEYS[1]) == ARGV[1] then\n  return redis.call('del', KEYS[1])\n"
    "else\n  return 0\nend",
    /* a window that slides */
    "local time = redis.call('TIME')\nlocal now = tonumber(time[1]) * 1000000 + tonumber(time[2])\n"
    "local window, limit = tonumber(ARGV[1]), tonumber(ARGV[2])\n"
    "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)\n"
    "local used = redis.call('ZCARD', KEYS[1])\nif used >= limit then\n"
    "  local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')\n"
    "  return {0, limit, 0, oldest[2] + window - now}\nend\n"
    "redis.call('ZADD', KEYS[1], now, now)\nredis.call('PEXPIRE', KEYS[1], math.ceil(window / "
    "1000))\n"
    "return {1, limit, limit - used - 1, 0}",
    /* many keys */
    "local result = {}\nfor i = 1, #KEYS do\n  result[i] = redis.call('GET', KEYS[i])\nend\nreturn "
    "result",
    "local result = {}\nfor i, key in ipairs(KEYS) do\n"
    "  result[#result + 1] = redis.call('HGET', key, ARGV[i])\nend\nreturn result",
    "for i = 1, #KEYS do redis.call('SET', KEYS[i], ARGV[i], 'PX', ARGV[#KEYS + i]) end",
    "local t = {} for i = 1, #ARGV, 2 do t[(i + 1) / 2] = {ARGV[i], ARGV[i + 1]} end return t",
    "local out = {} for i = 1, #KEYS do local v = redis.call('GET', KEYS[i]) "
    "if v then table.insert(out, v) end end return out",
    "local a, b = KEYS[1], KEYS[2] local x = {[1] = a, [2] = b, n = 2} x[1], x[2] = x[2], x[1] "
    "return x",
    "local total = 0 for _, v in ipairs(redis.call('HVALS', KEYS[1])) do total = total + v end "
    "return total",
    "local t = {n = 0, ['name'] = KEYS[1]} t.n = t.n + 1 t['name'] = nil return t.n",
    "local seen, count = {}, 0 for i = 1, #ARGV do if not seen[ARGV[i]] then count = count + 1 end "
    "end "
    "return count",
    "local k = ARGV[1] local names = {a = 1} local v = names[k] if names[k] == 1 then return "
    "names[k], v end",
    "local call = redis.call local function get(key) return call('GET', key) end return "
    "get(KEYS[1])",
    "redis.log(redis.LOG_NOTICE, 'x') redis.set_repl(redis.REPL_ALL) return "
    "redis.REDIS_VERSION_NUM",
    "return server.call('GET', KEYS[1])",
    "return cjson.encode({a = 1, b = cjson.null})",
    "return {struct.unpack('>I4', ARGV[1])}",
    "if type(ARGV[1]) ~= 'string' then error('ERR a string is wanted') end return "
    "redis.status_reply('OK')",
    "local error_text = 'NOSCRIPT' return error_text",
    "local v if KEYS[1] then return v end",
    "local t, k = {a = 1}, 'a' local a, b = t[k], 1 local c = 2 return c",
    "local t, x = {} local function f(k) return t[k], 1 end local function g() x = 1 end return "
    "f('a')",
    "local i = 0 while i < 3 do i = i + 1 end repeat i = i - 1 until i == 0 return i",
    "local Stack = {} function Stack.push(s, v) s[#s + 1] = v end function Stack:pop() self[#self] "
    "= nil end "
    "Stack.push({}, 1)",
    "return bit.band(5, 3) + math.floor(2.5) + #string.rep('x', 3) + ('x'):len()",
    "#!lua name=counters\n-- version: 1.2\nlocal function bump(keys, args)\n"
    "  return redis.call('INCRBY', keys[1], args[1])\nend\n"
    "redis.register_function('bump', bump)\n"
    "redis.register_function{function_name = 'peek', callback = function(keys) "
    "return redis.call('GET', keys[1]) end, flags = {'no-writes'}}",
};

START_TEST(honest_scripts_are_believed)
{
    for (size_t i = 0; i < sizeof honest / sizeof *honest; i++)
        ck_assert_msg(!can_forge(honest[i], strlen(honest[i])), "%s", honest[i]);
}
END_TEST

/* Whatever a server compiles in another way than it is read here counts, and so does what is over the
 * limits of the reading. */
START_TEST(what_cannot_be_read_counts)
{
    static const char nul[] = "return 1\0+{err='x'}", escape[] = "\033Lua", bad[] = "return $";
    ck_assert(can_forge(nul, sizeof nul - 1));
    ck_assert(can_forge(escape, sizeof escape - 1));
    ck_assert(can_forge(bad, sizeof bad - 1));
    ck_assert(!script_can_forge(NULL, 0));
    char deep[600];
    memset(deep, '(', 300);
    memset(deep + 300, ')', 300);
    ck_assert(can_forge(deep, sizeof deep));
}
END_TEST

/* Of no library is more believed than what is known of it, also if a later server adds to it. */
START_TEST(what_is_not_known_counts)
{
    static const char *const sources[] = {
        "return redis.forge()",
        "return server.forge()",
        "return cjson.new().x",
        "return string.dump(type)",
        "return table.unknown({})",
        "return os.getenv('x')",
        "return forge()",
        "local forge_all = forge return forge_all()",
        "local x forge()",
        "return newproxy()",
        "return debug.getinfo(1)",
        "local getmetatable = getmetatable return getmetatable('')",
        "local require = require require('x')",
        "local setmetatable = setmetatable return setmetatable({}, {})",
        "local getfenv = getfenv return getfenv()",
        "local setfenv = setfenv return setfenv()",
        "local load = load return load(type)",
        "local loadstring = loadstring return loadstring('')()",
        "local coroutine = coroutine return coroutine.wrap(type)()",
        "local xpcall = xpcall return xpcall(type, type)",
        "local pcall = pcall return pcall(type)",
        "local rawset = rawset return rawset({}, 1, 2)",
        "local newproxy = newproxy return newproxy()",
        "local _G = _G return _G",
        "local debug = debug return debug",
        "local __x = __x return __x",
    };
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        ck_assert_msg(can_forge(sources[i], strlen(sources[i])), "%s", sources[i]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("trust");
    TCase *c = tcase_create("all");
    tcase_add_test(c, every_way_to_forge_is_known);
    tcase_add_test(c, honest_scripts_are_believed);
    tcase_add_test(c, what_cannot_be_read_counts);
    tcase_add_test(c, what_is_not_known_counts);
    suite_add_tcase(suite, c);
    return suite_run(suite, CK_FORK_GETENV);
}
