--- bad at=2 says="GET finds nothing" live="attempt to perform arithmetic on local 'n'" only
local n = tonumber(redis.call('GET', KEYS[1]))
return n + 1
--- bad at=1 says="is false" live="attempt to perform arithmetic on a boolean value" only
return redis.call('GET', KEYS[1]) + 1
--- bad at=2 live="attempt to compare"
local best = redis.call('ZSCORE', KEYS[1], ARGV[2])
if tonumber(best) < 10 then
  return 'low'
end
return 'high'
--- bad at=3 says="joining" live="attempt to concatenate"
local call = redis.call
local name = call('HGET', KEYS[1], 'name')
return 'hello ' .. name
--- bad at=3 live="attempt to perform arithmetic"
redis.call('INCR', KEYS[2])
local stock = redis.call('HGET', KEYS[1], 'stock')
local left = stock - ARGV[1]
return left
--- good clean live="(integer) 1"
local n = tonumber(redis.call('GET', KEYS[1]) or 0)
return n + 1
--- good clean
local n = tonumber(redis.call('GET', KEYS[1]))
if not n then
  return 0
end
return n + 1
--- good clean
local n = redis.call('GET', KEYS[1])
if n and tonumber(n) > 5 then
  return 'many'
end
return 'few'
--- good clean
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
return tonumber(redis.call('GET', KEYS[1])) + 1
--- good clean
redis.call('SETNX', KEYS[1], 0)
return redis.call('GET', KEYS[1]) + 1
--- good clean
local text = redis.call('GET', KEYS[1])
local n = text and tonumber(text) or 0
return n + 1
--- good clean
local n = redis.call('GET', KEYS[1])
n = n or 0
return n + 1
--- good clean
local amount = tonumber(ARGV[1])
return amount + redis.call('INCR', KEYS[1])
