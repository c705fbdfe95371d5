--- bad at=1:10 live="unexpected symbol near '/'" only
return 7 // 2
--- bad at=1:10 live="near '&'" only
return 6 & 3
--- bad at=1:10 live="near '|'" only
return 6 | 1
--- bad at=1:10 live="unexpected symbol near '<'" only
return 1 << 4
--- bad at=1:12 live="'>'" only
return 256 >> 4
--- bad at=1:8 live="unexpected symbol near '~'" only
return ~5
--- bad at=1:10 live="near '~'" only
return 5 ~ 3
--- bad at=2:24
local ttl = tonumber(ARGV[1])
local half = (ttl + 1) // 2
return redis.call('EXPIRE', KEYS[1], half)
--- bad
#!lua name=flags
redis.register_function('f', function(keys, args)
    local flags = tonumber(redis.call('GET', keys[1]) or '0')
    return redis.call('SET', keys[1], flags | 4)
end)
--- good clean live="(integer) 3"
return math.floor(7 / 2)
--- good clean live="(integer) 2"
return bit.band(6, 3)
--- good clean live="(integer) 1"
return 5 ~= 3 and 1 or 0
--- good live="\"a // b & c | d ~ e << f >> g\""
return 'a // b & c | d ~ e << f >> g'
--- good live="(integer) 1"
-- 7 // 2, 6 & 3
--[[ 1 << 4 ]]
return 1
--- good clean live="(integer) 1"
return 7 % 2
