#include "libraries.h"

#define LINE(text) text, sizeof(text) - 1

const struct libraries_line libraries_lines[] = {
    {LINE("#!lua name=a\n"), "a", NULL},
    {LINE("#!LUA NAME=a\n"), "a", NULL},
    {LINE("#!lua name=a\r\n"), "a", NULL},
    {LINE("#!lua\tname=Ab_9  \n"), "Ab_9", NULL},
    {LINE("#!lua \v\f name=a\n"), "a", NULL},
    {LINE("#!lua name=a"), NULL, "nothing follows behind '#!lua name=a'"},
    {LINE("#!lua name=a\v\n"), NULL, "names are letters, digits and underscores"},
    {LINE("#!lua name=a-b\n"), NULL, "names are letters, digits and underscores, not 'a-b'"},
    {LINE("#!lua name=\n"), NULL, "names are letters, digits and underscores, not ''"},
    {LINE("#!lua name=\"a\"\n"), NULL, "write without quotes"},
    {LINE("#!lua name=a name=b\n"), NULL, "a second name"},
    {LINE("#!lua name=a x=1\n"), NULL, "no other metadata than the name, not 'x=1'"},
    {LINE("#!lua\n"), NULL, "no name behind '#!lua'"},
    {LINE("#! lua name=a\n"), NULL, "libraries are in Lua, not '#!'"},
    {LINE("#!js name=a\n"), NULL, "libraries are in Lua, not '#!js'"},
    {LINE("#!luajit name=a\n"), NULL, "libraries are in Lua, not '#!luajit'"},
    {LINE("#!lua\vname=a\n"), NULL, "libraries are in Lua"},
    {LINE("#!lua name=a\0\n"), NULL, "a NUL byte"},
    {LINE(" #!lua name=a\n"), NULL, "does not begin with"},
    {LINE("#"), NULL, "does not begin with"},
    {LINE(""), NULL, "does not begin with"},
};

const size_t libraries_line_count = sizeof libraries_lines / sizeof *libraries_lines;

#define F(name) "redis.register_function('" name "', f)\n"

const struct libraries_code libraries_codes[] = {
    {F("f"), true, "f"},
    {F("f") F("g") F("F"), true, "f g F"},
    {"redis . register_function ( \"f\" --[[ x ]] , f )", true, "f"},
    {"server.register_function('f', f)", true, "f"},
    {"local function f() return 1 end " F("f"), true, "f"},
    {"redis.register_function('f', function() if x then return 1 end return 2 end) " F("g"), true,
     "f g"},
    {"redis.register_function{function_name = 'f', callback = f}", true, "f"},
    {"redis.register_function({callback = f, function_name = 'f',})", true, "f"},
    {"redis.register_function{FUNCTION_NAME = 'f'; Callback = f; FLAGS = {'NO-WRITES'}}", true,
     "f!"},
    {"redis.register_function{flags = {'allow-oom', \"no-writes\",}, function_name = 'f', callback "
     "= f}",
     true, "f!"},
    {"redis.register_function{flags = {'allow-oom'}, function_name = 'f', callback = f}", true,
     "f"},
    {"redis.register_function{flags = {}, function_name = 'f', callback = f}", true, "f"},
    {"redis.register_function{flags = flags, function_name = 'f', callback = f}", true, "f"},
    {"redis.register_function{flags = {'no-writes', x}, function_name = 'f', callback = f}", true,
     "f"},
    {"redis.register_function{flags = {[2] = 'no-writes'}, function_name = 'f', callback = f}",
     true, "f"},
    {"redis.register_function{flags = {'no-writes'} and {}, function_name = 'f', callback = f}",
     true, "f"},
    {"redis.register_function{flags = {'no-writes' .. x}, function_name = 'f', callback = f}", true,
     "f"},
    {"redis.register_function{function_name = 'f', description = 'function_name', callback = "
     "function() "
     "local t = {function_name = 'g', flags = {'no-writes'}} return t end}",
     true, "f"},
    {"redis.log(redis.LOG_NOTICE, 'x') " F("f"), true, "f"},
    {"local x = {1, redis.LOG_NOTICE} " F("f"), true, "f"},
    {F("f") "do local x = {1} end", true, "f"},
    {"repeat local z = 1 until true " F("f"), true, "f"},
    {"redis.register_function{flags = {\"no\\045writes\"}, function_name = 'f', callback = f}",
     true, "f!"},
    {F("f") "return", true, "f"},
    {"redis.register_function{function_name = 'f', callback = function() return {flags = "
     "{'no-writes'}} "
     "end}",
     true, "f"},
    {"redis.register_function{function_name = 'f', callback = redis.register_function('g', f) or "
     "f}",
     false, "g? f"},
    /* what may or may not be */
    {"if redis.REDIS_VERSION_NUM > 5 then " F("f") "end", false, "f?"},
    {"if x then " F("f") "else " F("f") "end", false, "f?"},
    {"if x then " F("f") "end " F("f"), false, "f"},
    {"for i = 1, 2 do " F("f") "end", false, "f?"},
    {"repeat " F("f") "until true", false, "f?"},
    {"local function g() " F("f") "end g()", false, "f?"},
    {"local x = y and redis.register_function('f', f)", false, "f?"},
    {"do return end " F("f"), false, "f?"},
    {F("f") "if x then return end redis.register_function('a-b', f)", false, "f"},
    {"if x then redis.register_function('a-b', f) end", false, ""},
    /* what is not understood */
    {"redis.register_function('f' .. 'g', f)", false, ""},
    {"redis.register_function(('f'), f)", false, ""},
    {"redis.register_function(name, f)", false, ""},
    {"redis.register_function(5, f)", false, ""},
    {"redis.register_function('\\102', f)", false, ""},
    {"redis.register_function([[f]], f)", false, ""},
    {"redis.register_function(unpack(x))", false, ""},
    {"redis.register_function{function_name = 'a' .. 'b', callback = f}", false, ""},
    {"redis.register_function{function_name = 'a', function_name = 'b', callback = f}", false,
     "b?"},
    {"redis.register_function{['function_name'] = 'b', callback = f}", false, ""},
    {"redis.register_function{function_name = 'a', ['function_name'] = 'b', callback = f}", false,
     "a?"},
    {"redis.register_function{function_name = 'a', FUNCTION_NAME = 'b', callback = f}", false,
     "b?"},
    {"redis.register_function{function_name = 'a', callback = f, flags = {'no-writes'}, FLAGS = "
     "{}}",
     true, "a"},
    {"redis.register_function{function_name = 'a', callback = f, flags = {}, FLAGS = "
     "{'no-writes'}}",
     true, "a"},
    {"redis.register_function{function_name = 'a', callback = t['x'], flags = {'no-writes'}}", true,
     "a!"},
    {"redis.register_function{function_name = 'a', callback = f, flags = {'no-writes'}, ['flags'] "
     "= {}}",
     false, "a?"},
    {"if x then redis.register_function{function_name = 'a', callback = f, flags = {'no-writes'}} "
     "else redis.register_function{function_name = 'a', callback = f} end",
     false, "a?"},
    {"local r = redis r['register_' .. 'function']('g', f) " F("f"), false, "f"},
    {"redis.register_function{callback = f}", false, ""},
    {"redis.register_function({function_name = 'f', callback = f}.x)", false, "f?"},
    {"redis.register_function({function_name = 'g', callback = f} and t)", false, "g?"},
    {"redis.register_function(t)", false, ""},
    {"redis.register_function't'", false, ""},
    {"local reg = redis.register_function reg('f', f)", false, ""},
    {"local r = redis r.register_function('f', f)", false, ""},
    {"(redis).register_function('f', f)", false, ""},
    {"redis['register_function']('f', f)", false, ""},
#define QUIET                                                                                      \
    "if x then redis.register_function{function_name = 'f', callback = f, flags = {'no-writes'}}"
    {QUIET " end", false, "f!?"},
    {QUIET " end if x then return end redis.register_function('a-b', f)", false, "f!?"},
    {QUIET " else redis.register_function('f' .. '', f) end", false, "f?"},
    {QUIET " else redis.register_function('\\102', f) end", false, "f?"},
    {QUIET " else redis.register_function({function_name = 'g', callback = f} and t) end", false,
     "f? g?"},
    {QUIET " else redis.register_function{function_name = 'g', ['function_name'] = 'f', callback = "
           "f} end",
     false, "f? g?"},
    {QUIET " else redis.register_function(t) end", false, "f?"},
    {QUIET " else local r = redis r.register_function('f', f) end", false, "f?"},
    {"local n = 'register_function' " F("f"), false, "f"},
    {"local r = redis local redis = t r.register_function('g', f) " F("f"), false, "f?"},
    {"local r = redis local redis = t r.register_function('g', f) " F("a-b"), false, ""},
    {"local x, redis = redis, t x.register_function('g', f) " F("f"), false, "f?"},
    {"local x, server = redis, t " F("g") "server.register_function('f', f)", false, "g? f?"},
    {"local r = redis local function redis() end r.register_function('g', f)", false, ""},
    {"x.register_function('g', f) " F("f"), false, "f"},
    {"redis.register_function('f', function() redis.register_function('g', f) end)", false, "f g?"},
    {"redis.register_function{function_name = 'f', callback = function() redis.register_function{"
     "function_name = 'g', callback = f, flags = {'no-writes'}} end}",
     false, "g!? f"},
};

const size_t libraries_code_count = sizeof libraries_codes / sizeof *libraries_codes;
