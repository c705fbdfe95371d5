--- bad at=1 says="9007199254740992" live="\"9007199254740992\"" only
redis.call('SET', KEYS[1], 9007199254740993)
return redis.call('GET', KEYS[1])
--- bad at=1 says="write it as a string" live="(integer) 1" only
return 12345678901234567 == 12345678901234568 and 1 or 0
--- bad at=1 says="leave it a string" live="\"9007199254740992\"" only
local id = tonumber('9007199254740993')
return string.format('%.0f', id)
--- bad at=2 only
local time = redis.call('TIME')
local nanoseconds = time[1] * 1000000000 + time[2] * 1000
redis.call('SET', KEYS[1], string.format('%.0f', nanoseconds))
--- bad at=1
return bit.band(0xffffffffffffffff, 255)
--- bad at=2 says="10000000000000001"
local limits = {
  10000000000000001,
}
return #limits
--- good clean
return string.format('%.0f', 9007199254740992)
--- good clean
local MOST = 9007199254740991
return tonumber(ARGV[1]) < MOST and 1 or 0
--- good clean
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('SET', KEYS[1], now)
--- good clean
return math.min(1e18, 5)
--- good clean
return redis.call('INCRBY', KEYS[1], '9007199254740993')
--- good clean live="\"1\""
return tonumber(ARGV[1]) < 10000000000000000 and '1' or '0'
--- good clean
return bit.band(0xffffffff, tonumber(ARGV[1]))
--- good clean
local a, b = tonumber(ARGV[1]), tonumber(ARGV[3])
return a * b
--- bad at=6
local t = redis.call('TIME')
local ms = t[1] * 1000 + math.floor(t[2] / 1000)
local last = tonumber(redis.call('GET', KEYS[1]) or 0)
ms = math.max(ms, 0)
if ms < last then ms = last end
local id = (ms - 1577836800000) * 4194304 + 1
redis.call('SET', KEYS[1], id)
