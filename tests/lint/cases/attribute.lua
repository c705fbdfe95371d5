--- bad at=1 live="unexpected symbol near '<'" only
local limit <const> = 10
return limit
--- bad at=1 live="unexpected symbol near '<'" only
local handle <close> = nil
return 1
--- bad at=1 live="near '<'" only
local a, b <const> = 1, 2
return a + b
--- bad at=3 live="near '<'"
local n = 0
for i = 1, 3 do
    local step <const> = 2
    n = n + i * step
end
return n
--- bad at=3 live="unexpected symbol near '<'"
#!lua name=limits
redis.register_function('f', function(keys)
    local key <const> = keys[1]
    return redis.call('INCR', key)
end)
--- bad at=1 live="near '<'"
local key<const> =KEYS[1]
return redis.call('INCR', key)
--- good clean live="(integer) 10"
local limit = 10
return limit
--- good clean live="(integer) 1"
local a, b = 1, 2
return a < b and 1 or 0
--- good clean live="(integer) 0"
local a, const, b = 1, 2, 3
return (a < const) == (const > b) and 1 or 0
--- good live="\"local x <const> = 1\""
return 'local x <const> = 1'
--- good live="(integer) 1"
-- local x <const> = 1
local x = 1
return x
