--- bad at=3 says="string.format" live="1e+15"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local member = ARGV[1] .. ':' .. now
redis.call('ZADD', KEYS[1], now, member)
return string.gsub(member, ':%d%.%d+', ':1')
--- bad at=3 only
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1e6 + tonumber(time[2])
return tostring(now)
--- bad at=3 says="cjson.encode" only
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
return cjson.encode({at = now})
--- bad at=2 live="\"1.7000000001235e+15\""
local start = 1700000000123456
return tostring(start)
--- bad at=4 only
local now = redis.call('TIME')
local micros = now[1] * 1000000 + now[2]
local ends = micros + 60000000
return 'until ' .. ends
--- good clean
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return tostring(now)
--- good clean
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZADD', KEYS[1], now, string.format('%.0f', now))
--- good clean
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local begun = tonumber(redis.call('GET', KEYS[1]) or now)
return tostring(now - begun)
--- good clean
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
return tostring(now % 60000000)
--- good clean
local time = redis.call('TIME')
return time[1] .. '.' .. time[2]
--- bad at=1 live="\"1e+15\"" only
return tostring(1000000000000000)
--- good clean live="\"99999999999999\""
return tostring(99999999999999)
