--- bad at=2:8 says="`count` is meant?" live="Script attempted to access nonexistent global variable 'cuont'" only
local count = redis.call('INCR', KEYS[1])
return cuont
--- bad at=1 says="`KEYS` is meant?" live="nonexistent global variable 'keys'"
return redis.call('GET', keys[1])
--- bad at=4 says="line 2" live="nonexistent global variable 'value'"
if #KEYS > 0 then
    local value = redis.call('GET', KEYS[1])
end
return value
--- bad at=1 says="further down" live="nonexistent global variable 'helper'"
local n = helper(1)
local function helper(x)
    return x + 1
end
return n
--- bad says="cjson" live="nonexistent global variable 'json'"
return json.encode({1, 2})
--- bad says="nil" live="nonexistent global variable 'null'"
if redis.call('GET', KEYS[1]) == null then
    return 1
end
return 0
--- bad live="nonexistent global variable 'limit'"
local max = limit or 10
return max
--- bad live="nonexistent global variable 'debug_mode'"
if debug_mode then
    return 1
end
return 0
--- bad at=1 says="redis.call('GET', …)" live="attempt to call field 'get' (a nil value)"
return redis.get(KEYS[1])
--- bad at=1 says="gmatch" live="attempt to call field 'split' (a nil value)"
return string.split(ARGV[2], ',')
--- bad at=2 live="attempt to call field 'contains' (a nil value)"
local names = {'a', 'b'}
return table.contains(names, ARGV[2])
--- bad at=1 says="`cjson.decode` is meant" live="attempt to call field 'parse' (a nil value)"
return cjson.parse('[1]')[1]
--- bad at=1 says="math.floor(x + 0.5)" live="attempt to call field 'round' (a nil value)"
return math.round(2.5)
--- bad at=1 says="FUNCTION LOAD" live="attempt to call field 'register_function' (a nil value)"
redis.register_function('f', function() return 1 end)
--- bad at=3 says="only in EVAL" live="attempt to call field 'replicate_commands' (a nil value)"
#!lua name=old
redis.register_function('f', function(keys)
    redis.replicate_commands()
    return redis.call('INCR', keys[1])
end)
--- bad at=3 live="nonexistent global variable 'key'"
#!lua name=typos
redis.register_function('f', function(keys)
    return redis.call('INCR', key[1])
end)
--- bad target=redis-7.0 at=1 says="redis-7.0" live-redis="nonexistent global variable 'server'"
return server.call('PING')
--- bad live="nonexistent global variable 'total'"
return _G.total
--- bad at=1 says="is nil" live="(integer) 0"
local split = string.split
return split and 1 or 0
--- bad at=2 says="loading the library fails" live="nonexistent global variable 'loge'"
#!lua name=levels
local log = redis.loge or redis.log
redis.register_function('f', function() return 1 end)
--- good clean live="(integer) 1"
local count = redis.call('INCR', KEYS[1])
return count
--- good clean live="(integer) 4"
local words, size = {}, 0
for word in string.gmatch('a,b,c,d', '[^,]+') do
    words[#words + 1] = word
    size = size + 1
end
return size
--- good clean live="(integer) 1"
local has_log = redis.log ~= nil
local split = string.split or false
return has_log and not split and 1 or 0
--- good clean live="(integer) 3"
local function later()
    return 3
end
local function now()
    return later()
end
return now()
--- good clean live="(integer) 1"
local ok = pcall(function() return quux end)
return ok and 0 or 1
--- good clean live="(integer) 6"
return math.max(1, bit.bor(2, 4)) + #cjson.encode({}) - 2
--- good clean live="(integer) 1"
#!lua name=fine
local function hit(keys)
    return redis.call('INCR', keys[1])
end
redis.register_function('f', hit)
--- bad says="`cjson`" live="nonexistent global variable 'Json'"
return Json.encode({1})
--- bad says="`math.floor` is meant" live="attempt to call field 'Floor' (a nil value)"
return math.Floor(2.5)
--- good clean live="(integer) 0"
return type(redis.nothing) == 'function' and 1 or 0
--- good clean live="(integer) 3"
local function size(...)
    return #{...}
end
local list = {size = size}
function list:twice(n)
    return self.size(n, n, n)
end
return list:twice(1)
--- good live="(nil)"
return rawget(_G, 'total')
--- good target=valkey-8.0 clean live-valkey="PONG"
return server.call('PING')
