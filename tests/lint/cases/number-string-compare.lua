--- bad at=2:6 says="tonumber(n)" setup="SET {t}1 9" live="attempt to compare number with string" only
local n = redis.call('GET', KEYS[1]) or 0
if n > 5 then
  return 'many'
end
return 'few'
--- bad at=1:12 says="ARGV[1] is a string" live="attempt to compare number with string" only
if ARGV[1] > 5 then
  return 1
end
--- bad at=2:9 says="never equal" live="\"other\"" only
local mode = ARGV[3]
if mode == 3 then
  return 'three'
end
return 'other'
--- bad at=2 says="GET answers a string" setup="SET {t}1 5" live="(integer) 0" only
local limit = 5
return redis.call('GET', KEYS[1]) == limit and 1 or 0
--- bad at=3 setup="HSET {t}1 stock 7" live="attempt to compare"
local function stock_of(key)
  local stock = redis.call('HGET', key, 'stock')
  if stock and stock <= 0 then
    return 'none'
  end
  return stock
end
return stock_of(KEYS[1])
--- bad at=2 says="TIME" live="attempt to compare"
local now = redis.call('TIME')
if tonumber(ARGV[1]) < now[1] then
  return 'past'
end
--- bad at=4 setup="ZADD {t}1 3 a" live="attempt to compare"
local call = redis.call
local best = call('ZSCORE', KEYS[1], 'a')
local mine = tonumber(ARGV[1])
if not best or best < mine then
  call('ZADD', KEYS[1], mine, 'a')
end
--- bad at=1 says="anything but unequal" live="(integer) 1"
if ARGV[1] ~= 10 then
  return 1
end
return 0
--- bad kind=function at=3 live="attempt to compare"
#!lua name=c
local function f(keys, args)
  if args[1] >= 100 then
    return 'much'
  end
  return 'little'
end
redis.register_function('f', f)
--- good clean setup="SET {t}1 9" live="\"many\""
local n = tonumber(redis.call('GET', KEYS[1]) or 0)
if n > 5 then
  return 'many'
end
return 'few'
--- good clean
local n = redis.call('INCR', KEYS[1])
if n > 5 then
  return 'many'
end
return n
--- good clean
local n = redis.call('GET', KEYS[1]) or 0
if n == 0 then
  return 'absent'
end
return n
--- good clean
local n = redis.call('GET', KEYS[1]) or 0
if type(n) == 'string' then
  n = tonumber(n)
end
if n > 5 then
  return 'many'
end
return 'few'
--- good clean
local n = redis.call('GET', KEYS[1]) or '0'
n = tonumber(n)
return n > 5 and 1 or 0
--- good clean
local n = (redis.call('GET', KEYS[1]) or 0) + 0
return n > 5 and 1 or 0
--- good clean
if ARGV[1] == '1' then
  return 'on'
end
return 'off'
--- good clean
if #ARGV[1] > 5 and redis.call('EXISTS', KEYS[1]) == 0 then
  return 'long'
end
return ARGV[1]
--- good clean
local values = {tonumber(ARGV[1]), tonumber(ARGV[3])}
if values[1] < values[2] then
  return 'rising'
end
return 'falling'
--- bad at=2 says="write '0'" live="\"other\""
local version = redis.call('HGET', KEYS[1], 'version') or 0
if version == ARGV[1] then
  return 'the same'
end
return 'other'
--- bad at=2 says="never equal" setup="SET {t}1 5" live="\"no\""
local n = redis.call('GET', KEYS[1]) or 0
if n == 5 then
  return 'five'
end
return 'no'
--- good clean live="(integer) 3"
local at = string.match('ab-1', '()%-')
if at and at <= 3 then
  return at
end
return 0
