-- A delivery failed: try again later, or give up.
-- KEYS[1] job hash, KEYS[2] delayed zset, KEYS[3] dead list, KEYS[4] stats hash
-- ARGV[1] job id, ARGV[2] error text, ARGV[3] now (ms), ARGV[4] max attempts, ARGV[5] base delay (ms)
local job, delayed, dead, stats = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local id, message, now = ARGV[1], ARGV[2], ARGV[3]
local max = tonumber(ARGV[4]) or 5
local base = tonumber(ARGV[5]) or 1000

if redis.call('EXISTS', job) == 0 then
  return redis.error_reply('NOJOB ' .. id)
end

local attempts = redis.call('HINCRBY', job, 'attempts', 1)
redis.call('HSET', job, 'error', message, 'failed_at', now)
redis.call('HINCRBY', stats, 'failures', 1)

if attempts >= max then
  redis.call('LPUSH', dead, id)
  redis.call('LTRIM', dead, 0, 9999)
  redis.call('HINCRBY', stats, 'dead', 1)
  redis.call('HSET', job, 'state', 'dead')
  return { 0, attempts }
end

-- exponential, with jitter so that they do not all come at once
local delay = base * 2 ^ (attempts - 1)
delay = delay + delay * math.random() * 0.2
if delay > 3600000 then
  delay = 3600000
end
redis.call('ZADD', delayed, now + delay, id)
redis.call('HSET', job, 'state', 'delayed', 'delay', delay)
return { delay, attempts }
