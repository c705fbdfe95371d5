--- bad at=1:4 says="EXISTS" live="\"there\"" only
if redis.call('EXISTS', KEYS[1]) then
  return 'there'
end
return 'not there'
--- bad at=1 says="> 0" setup="SET {t}1 x" live="\"done\"" only
if not redis.call('SETNX', KEYS[1], ARGV[1]) then
  return 'somebody else'
end
return 'done'
--- bad at=2:4 live="\"not empty\"" only
local list = redis.call('LRANGE', KEYS[1], 0, 9)
if #list then
  return 'not empty'
end
return 'empty'
--- bad at=3 says="known" live="\"known\""
local call = redis.call
local known = call('SISMEMBER', KEYS[1], ARGV[1])
if known then
  return 'known'
end
return 'new'
--- bad at=1 live="\"yes\"" only
return redis.call('HEXISTS', KEYS[1], ARGV[1]) and 'yes' or 'no'
--- bad at=2 live="\"first\"" only
local value = redis.call('GET', KEYS[1])
if not value and redis.call('HSETNX', KEYS[2], 'f', 'v') then
  return 'first'
end
return value
--- bad at=3 live="(integer) 3" only
local n = 0
repeat n = n + 1
until n == 3 or not redis.call('LLEN', KEYS[1])
return n
--- bad at=1:4 says="SISMEMBER" live="\"in\"" only
if redis.call('SISMEMBER', KEYS[1], 'a') or redis.call('GET', KEYS[2]) then
  return 'in'
end
return 'out'
--- bad at=2:4 says="computed" setup="HSET {t}1 f 3" live="\"some\""
local left = redis.call('HGET', KEYS[1], 'f') - 3
if left then
  return 'some'
end
return 'none'
--- bad kind=function at=3 live="\"there\""
#!lua name=z
local function f(keys)
  if (redis.call('EXISTS', keys[1])) then
    return 'there'
  end
  return 'not there'
end
redis.register_function('f', f)
--- good clean live="\"not there\""
if redis.call('EXISTS', KEYS[1]) == 1 then
  return 'there'
end
return 'not there'
--- good clean live="(nil)"
if redis.call('GET', KEYS[1]) then
  return 'there'
end
return false
--- good clean live="\"empty\""
local list = redis.call('LRANGE', KEYS[1], 0, 9)
if #list > 0 and list[1] then
  return 'not empty'
end
return 'empty'
--- good live="(integer) 0"
return redis.call('LLEN', KEYS[1]) or 0
--- good clean live="\"none\""
local rank = redis.call('ZRANK', KEYS[1], ARGV[1])
return rank and 'some' or 'none'
--- good setup="SET {t}1 x" live="\"fails\""
local reply = redis.pcall('INCR', KEYS[1])
if reply and reply.err then
  return 'fails'
end
return 'runs'
--- good clean live="\"set\""
if redis.call('SET', KEYS[1], ARGV[1], 'NX') then
  return 'set'
end
return 'not set'
--- good clean live="(integer) 10"
local wait = 10
if wait then
  return wait
end
return 0
