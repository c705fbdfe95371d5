--- bad at=2:1 live="ambiguous syntax (function call x new statement) near '('"
local name = tostring(1)
(redis.call)('PING')
return name
--- bad at=2:1 live="ambiguous syntax"
local f = tostring
(f)(1)
return 1
--- bad live="ambiguous syntax"
local list = {}
list[1] = ARGV[1]
(function() list[2] = 'x' end)()
return list
--- bad at=2 live="ambiguous syntax"
return redis.call
    ('PING')
--- bad at=4 live="ambiguous syntax"
#!lua name=lines
redis.register_function('f', function(keys)
    local key = keys[1]
    (redis.call)('INCR', key)
    return 1
end)
--- bad live="ambiguous syntax"
local n = #KEYS

-- something between

(redis.call)('PING')
return n
--- good live="\"1\""
local name = tostring(1);
(redis.call)('PING')
return name
--- good clean live="PONG"
return redis.call(
    'PING')
--- good live="(integer) 3"
local n = 1 +
    (2)
return n
--- good clean live="\"a\""
local text = tostring
    'a'
return text
--- good clean live="(integer) 1"
local size = type
    {'#'}
return #size - 4
--- good live="(integer) 2"
local n = 1
do
    (redis.call)('PING')
    n = 2
end
return n
--- good clean live="(integer) 6"
local function sum(a, b, c)
    return a
        + (b)
        + (c)
end
return sum(1, 2, 3)
