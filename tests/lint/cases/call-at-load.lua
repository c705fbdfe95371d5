--- bad at=2 says="`redis.call`" live="nonexistent global variable 'call'"
#!lua name=counters
local step = redis.call('GET', 'step')
redis.register_function('f', function(keys)
    return redis.call('INCRBY', keys[1], step)
end)
--- bad at=2 says="`tonumber`" live="nonexistent global variable 'tonumber'" only
#!lua name=limits
local limit = tonumber('10')
redis.register_function('f', function()
    return limit
end)
--- bad at=2 says="`math`" live="nonexistent global variable 'math'"
#!lua name=limits
local floor = math.floor
redis.register_function('f', function()
    return floor(2.5)
end)
--- bad at=2 live="nonexistent global variable 'pcall'"
#!lua name=limits
local ok = redis.pcall('PING')
redis.register_function('f', function()
    return 1
end)
--- bad at=3 says="`redis.call`" live="nonexistent global variable 'call'"
#!lua name=limits
local function now()
    return redis.call('TIME')[1]
end
local started = now()
redis.register_function('f', function()
    return started
end)
--- bad at=2 live="nonexistent global variable 'setmetatable'"
#!lua name=classes
local Queue = setmetatable({}, {__index = {}})
redis.register_function('f', function()
    return #Queue
end)
--- bad at=3 live="nonexistent global variable 'pairs'"
#!lua name=several
local functions = {f = function() return 1 end}
for name, callback in pairs(functions) do
    redis.register_function(name, callback)
end
--- bad at=2 live="nonexistent global variable 'sha1hex'"
#!lua name=hashes
local empty = redis.sha1hex('')
redis.register_function('f', function()
    return empty
end)
--- bad at=2 live="nonexistent global variable 'setresp'"
#!lua name=resp
redis.setresp(3)
redis.register_function('f', function()
    return 1
end)
--- bad at=2 says="Valkey 9.1"
#!lua name=noisy
redis.log(redis.LOG_NOTICE, 'loading')
redis.register_function('f', function()
    return 1
end)
--- bad at=4:15 says="`tonumber`" live="nonexistent global variable 'tonumber'"
#!lua name=modules
local M = {}
function M.init()
    M.limit = tonumber('5')
end
M.init()
redis.register_function('f', function()
    return M.limit
end)
--- bad at=4 says="`math`" live="nonexistent global variable 'math'"
#!lua name=modules
local M = {}
function M:init()
    self.limit = math.floor(5.5)
end
M:init()
redis.register_function('f', function()
    return M.limit
end)
--- good clean live="(integer) 5"
#!lua name=modules
local M = {}
function M.init()
    M.limit = tonumber('5')
end
redis.register_function('f', function()
    M.init()
    return M.limit
end)
--- good clean live="(integer) 1"
#!lua name=counters
redis.register_function('f', function(keys)
    return redis.call('INCR', keys[1])
end)
--- good clean live="(integer) 3"
#!lua name=counters
local NAMES = {'a', 'b', 'c'}
local VERSION = redis.REDIS_VERSION
local function size()
    return #NAMES
end
redis.register_function('f', size)
--- good clean live="(integer) 1"
#!lua name=counters
local function define(name, callback)
    redis.register_function(name, callback)
end
define('f', function(keys)
    return redis.call('INCR', keys[1])
end)
--- good live="\"xxx\""
#!lua name=texts
local line = ('x'):rep(3)
redis.register_function('f', function()
    return line
end)
--- good clean live="\"PONG\""
#!lua name=helpers
local function ping()
    local reply = redis.call('PING')
    return reply.ok
end
redis.register_function{function_name = 'f', callback = function() return ping() end, flags = {'no-writes'}}
--- good target=valkey-8.0
#!lua name=noisy
redis.log(redis.LOG_NOTICE, 'loading')
redis.register_function('f', function()
    return 1
end)
--- good clean live="(integer) 2"
local floor = math.floor
return floor(2.5)
