--- bad at=3 says="ARGV[2]" live="not an integer" only
local n = redis.call('INCR', KEYS[1])
if n == 1 then
  redis.call('EXPIRE', KEYS[1], ARGV[2])
end
return n
--- bad at=2 live="not an integer" only
if redis.call('INCR', KEYS[1]) == 1 then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
--- bad at=4 says="`period`" live="ommand arguments must be strings or integers"
local period = tonumber(ARGV[2])
local n = redis.call('INCR', KEYS[1])
if tonumber(n) == 1 then
  redis.call('EXPIRE', KEYS[1], period)
end
return n
--- bad at=3 says="adds 1" live="(integer) -1"
local n = redis.call('INCRBY', KEYS[1], ARGV[1])
if n == 1 then
  redis.call('EXPIRE', KEYS[1], 60)
end
return redis.call('TTL', KEYS[1])
--- bad at=5
local key, limit, seconds = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local call = redis.call
local n = call('INCR', key)
if n == 1 and limit then
  call('EXPIRE', key, seconds)
end
return n <= limit and 1 or 0
--- bad kind=function at=5 live="not an integer"
#!lua name=c
local function f(keys, args)
  local n = redis.call('INCR', keys[1])
  if n == 1 then
    redis.call('EXPIRE', keys[1], args[2])
  end
  return n
end
redis.register_function('f', f)
--- good clean
local n = redis.call('INCR', KEYS[1])
if n == 1 then
  redis.call('EXPIRE', KEYS[1], 60)
end
return n
--- good clean
local seconds = tonumber(ARGV[1])
if not seconds or seconds < 1 then
  return redis.error_reply('ERR the period is no number')
end
local n = redis.call('INCR', KEYS[1])
if n == 1 then
  redis.call('EXPIRE', KEYS[1], seconds)
end
return n
--- good clean
redis.call('SET', KEYS[1], 0, 'EX', ARGV[1], 'NX')
return redis.call('INCR', KEYS[1])
--- good clean
local n = redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], ARGV[1])
return n
--- good clean
local n = redis.call('INCRBY', KEYS[1], ARGV[1])
if n == tonumber(ARGV[1]) then
  redis.call('EXPIRE', KEYS[1], 60)
end
return n
--- good clean
assert(tonumber(ARGV[1]), 'the period is no number')
if redis.call('INCR', KEYS[1]) == 1 then
  redis.call('EXPIRE', KEYS[1], ARGV[1])
end
--- good clean
local n = redis.call('INCR', KEYS[1])
if redis.call('TTL', KEYS[1]) == -1 then
  redis.call('EXPIRE', KEYS[1], ARGV[1])
end
return n
