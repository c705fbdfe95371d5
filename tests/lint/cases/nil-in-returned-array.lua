--- bad at=1 says="0 of 2" live="(empty array)" only
return {nil, 2}
--- bad at=2 says="`left or false`" live="(empty array)" only
local left = tonumber(redis.call('GET', KEYS[1]))
return {left, redis.call('TTL', KEYS[1])}
--- bad at=1 live="1) (integer) 1" only
return {1, tonumber(redis.call('HGET', KEYS[1], 'f')), 3}
--- bad at=5 says="may be nil" live="1) \"10\""
local found
if ARGV[1] == '11' then
  found = 'yes'
end
return {ARGV[1], found, 'end'}
--- bad at=1 live="1) \"a\""
local answer = {'a', nil, 'c'}
return answer
--- bad at=2
local n = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[2]))
local answer = {ARGV[2], {n, 1}}
return answer
--- bad kind=function at=3 live="(empty array)"
#!lua name=c
local function f(keys)
  return {tonumber(redis.call('GET', keys[1])), 1}
end
redis.register_function('f', f)
--- good clean live="1) (nil) 2) (integer) -2"
local left = redis.call('GET', KEYS[1])
return {left, redis.call('TTL', KEYS[1])}
--- good clean live="1) (nil) 2) (integer) -2"
local left = tonumber(redis.call('GET', KEYS[1]))
return {left or false, redis.call('TTL', KEYS[1])}
--- good clean
local left = tonumber(redis.call('GET', KEYS[1]) or 0)
return {left, 1}
--- good clean
local left = tonumber(redis.call('GET', KEYS[1]))
if not left then
  return {0, 0}
end
return {left, 1}
--- good clean
return {tonumber(ARGV[1]), tonumber(ARGV[3])}
--- good clean live="1) (nil) 2) (integer) 3"
return {false, 3}
--- good clean
local pair = {tonumber(redis.call('GET', KEYS[1])), 1}
redis.call('SET', KEYS[2], pair[1] and 'yes' or 'no')
return 'OK'
--- good clean
return {ARGV[1], ARGV[2]}
--- good clean
local a, b = string.match(ARGV[1], '^(%d)(%d)$')
return {a, b}
