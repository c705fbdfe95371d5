--- bad at=2:6 says="never true" live="\"present\"" only
local v = redis.call('GET', KEYS[1])
if v == nil then
  return 'absent'
end
return 'present'
--- bad at=1 says="write `not redis.call('GET', KEYS[1])`" live="(nil)" only
return redis.call('GET', KEYS[1]) == nil
--- bad at=2 says="always true" live="\"there\"" only
local v = redis.call('HGET', KEYS[1], 'f')
if v ~= nil then
  return 'there'
end
return 'no'
--- bad at=3 live="(integer) 0"
local call = redis.call
local v = call('ZSCORE', KEYS[1], ARGV[2])
return v == nil and 1 or 0
--- bad at=3 says="v" live="\"known\""
local found = redis.call('HMGET', KEYS[1], 'a', 'b')
local v = found[1]
if found[1] == nil then
  return 'unknown'
end
return 'known'
--- bad at=5 says="GET" live="\"boolean\""
local function read(key)
  return redis.call('GET', key)
end
local v = read(KEYS[1])
if nil ~= v then
  return type(v)
end
return 'nil'
--- bad at=2 says="never true" live="\"boolean\""
local v = redis.call('LPOP', KEYS[1])
if type(v) == 'nil' then
  return 'empty'
end
return type(v)
--- bad at=1 setup="SET {t}1 x" live="\"\""
if redis.call('GET', KEYS[2]) == nil or redis.call('GET', KEYS[1]) == '' then
  return 'nothing'
end
return ''
--- bad kind=function at=3 live="\"there\""
#!lua name=c
local function f(keys)
  if redis.call('GET', keys[1]) == nil then
    return 'not there'
  end
  return 'there'
end
redis.register_function('f', f)
--- good clean live="\"absent\""
local v = redis.call('GET', KEYS[1])
if not v then
  return 'absent'
end
return v
--- good clean live="\"absent\""
local v = redis.call('GET', KEYS[1])
if v == false then
  return 'absent'
end
return v
--- good clean live="\"absent\""
local v = redis.call('GET', KEYS[1])
if v == nil or v == false then
  return 'absent'
end
return v
--- good live="\"absent\""
redis.setresp(3)
local v = redis.call('GET', KEYS[1])
if v == nil then
  return 'absent'
end
return v
--- good clean
local v = redis.call('GET', KEYS[1]) or nil
if v == nil then
  return 'absent'
end
return v
--- good clean
local v
if ARGV[1] == 'read' then
  v = redis.call('GET', KEYS[1])
end
if v == nil then
  return 'not asked for'
end
return v
--- good clean
local n = tonumber(redis.call('GET', KEYS[1]))
if n == nil then
  return 0
end
return n
--- good clean
local third = ARGV[3]
if third == nil then
  return redis.error_reply('ERR three arguments')
end
return third
--- good clean
local list = redis.call('LRANGE', KEYS[1], 0, 9)
if list[1] == nil then
  return 'empty'
end
return list[1]
--- good clean
local v = redis.call('GET', KEYS[1])
if v and v ~= nil then
  return v
end
return ''
