--- bad at=1:1 says="`count`" live="Attempt to modify a readonly table" only
count = redis.call('INCR', KEYS[1])
return count
--- bad at=1 says="local function helper" live="Attempt to modify a readonly table"
function helper(x)
    return x + 1
end
return helper(1)
--- bad at=2 says="`string.trim`" live="Attempt to modify a readonly table"
local text = ARGV[2]
string.trim = function(s) return s end
return text
--- bad at=1 says="sets a global" live="Attempt to modify a readonly table"
_G.total = 5
return 1
--- bad at=1 says="`rawset`" live="Attempt to modify a readonly table"
rawset(_G, 'total', 5)
return 1
--- bad at=1 live="Attempt to modify a readonly table"
KEYS = {KEYS[1]}
return #KEYS
--- bad at=3 says="is the local `total` meant?" live="Attempt to modify a readonly table"
local total = 0
for i = 1, 3 do
    totl = total + i
end
return total
--- bad at=2 live="Attempt to modify a readonly table"
#!lua name=counters
limit = 10
redis.register_function('f', function(keys)
    return limit
end)
--- bad at=2 says="local function hit" live="Attempt to modify a readonly table"
#!lua name=counters
function hit(keys)
    return redis.call('INCR', keys[1])
end
redis.register_function('f', hit)
--- bad at=3 live="Attempt to modify a readonly table"
#!lua name=counters
redis.register_function('f', function(keys)
    last = keys[1]
    return redis.call('INCR', last)
end)
--- bad at=1 live="Attempt to modify a readonly table"
redis.call = redis.pcall
return redis.call('PING')
--- bad at=2:4 setup="SET {t}1 5" live="Attempt to modify a readonly table"
local a
a, b = redis.call('GET', KEYS[1]), 2
return a
--- good clean live="(integer) 1"
local count = redis.call('INCR', KEYS[1])
return count
--- good live="\"x\""
KEYS[3] = 'x'
return KEYS[3]
--- good clean live="(integer) 2"
local function helper(x)
    return x + 1
end
return helper(1)
--- good clean live="(integer) 7"
local M = {}
function M.add(a, b)
    return a + b
end
M.limit = 7
return M.limit
--- good clean live="(integer) 1"
local counts = {}
counts['a'], counts.b = 1, 2
rawset(counts, 'c', 3)
return counts.a
--- good clean
#!lua name=counters
local limit = 10
local function get()
    limit = limit + 1
    return limit
end
redis.register_function('f', get)
--- good clean live="(integer) 2"
local string = {}
string.size = 2
return string.size
