-- Counting semaphore. Who does not come back loses the place after a while.
-- KEYS[1] holders (zset: name -> until)
-- ARGV[1] places, ARGV[2] name, ARGV[3] seconds
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local places = ARGV[1]
local name = ARGV[2]

redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)

-- has one already: renew it
if redis.call('ZSCORE', KEYS[1], name) then
    redis.call('ZADD', KEYS[1], 'XX', now + ARGV[3], name)
    return true
end

local taken = redis.call('ZCARD', KEYS[1])
if taken < places then
    redis.call('ZADD', KEYS[1], now + ARGV[3], name)
    redis.call('EXPIRE', KEYS[1], ARGV[3] * 2)
    return true
end

return false
