--- bad at=1 says="`KEYS` is a table" live="ommand arguments must be strings or integers" only
return redis.call('DEL', KEYS)
--- bad at=1 says="true" live="ommand arguments must be strings or integers" only
redis.call('SET', KEYS[1], true)
--- bad at=1:44 says="is true or false" live="ommand arguments must be strings or integers"
redis.call('HSET', KEYS[1], 'large', #ARGV > 2)
--- bad at=2 says="may be false" live="ommand arguments must be strings or integers" only
local old = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[2], old)
--- bad at=1 says="nil" live="ommand arguments must be strings or integers"
redis.call('SET', KEYS[1], nil)
--- bad at=2 says="a table" live="ommand arguments must be strings or integers"
local words = {'a', 'b'}
return redis.pcall('RPUSH', KEYS[1], words)
--- bad at=3 says="cjson.null" live="ommand arguments must be strings or integers"
local call = redis.call
local nothing = cjson.null
call('SET', KEYS[1], nothing)
--- bad at=5 says="may be nil" live="ommand arguments must be strings or integers"
local ttl
if ARGV[1] == 'long' then
  ttl = 3600
end
redis.call('SET', KEYS[1], 'x', 'EX', ttl)
--- bad kind=function at=3
#!lua name=c
local function f(keys)
  return redis.call('DEL', keys)
end
redis.register_function('f', f)
--- bad at=1 says="may be false" live="ommand arguments must be strings or integers"
redis.call('RPUSH', KEYS[1], redis.call('HGET', KEYS[2], 'name'))
--- good clean
return redis.call('DEL', unpack(KEYS))
--- good clean
local old = redis.call('GET', KEYS[1])
if old then
  redis.call('SET', KEYS[2], old)
end
--- good clean
redis.call('SET', KEYS[2], redis.call('GET', KEYS[1]) or '')
--- good clean
redis.call('INCRBY', KEYS[1], tonumber(ARGV[1]))
--- good clean
redis.call('HSET', KEYS[1], 'large', #ARGV > 2 and 1 or 0)
--- good clean
local old = redis.call('GET', KEYS[1])
if not old then
  return 0
end
redis.call('SET', KEYS[2], old)
return 1
--- good clean
local number = string.match(ARGV[1], '^(%d+)$')
redis.call('SET', KEYS[1], number)
--- good clean
local rest = tonumber(ARGV[1]) % 7
redis.call('SET', KEYS[1], rest)
--- good
local words = {'RPUSH', KEYS[1], 'a', 'b'}
return redis.call(unpack(words))
--- good clean
local moved = redis.call('RPOP', KEYS[1])
while moved and #moved < 10 do
  redis.call('LPUSH', KEYS[2], moved)
  moved = false
end
