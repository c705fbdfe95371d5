--- bad at=1:27 says="`visits` is written in the script" only
return redis.call('INCR', 'visits')
--- bad at=2 says="`counter`" only
local key = 'counter'
return redis.call('INCR', key)
--- bad at=2 only
local call = redis.call
return call('zadd', "queue", 1, ARGV[1])
--- bad at=1:38 says="`done`" only
return redis.call('RENAME', KEYS[1], 'done')
--- bad at=4 only
local function bump(key)
    return redis.call('INCR', key)
end
return bump('total')
--- bad at=2 says="in the keys" only
#!lua name=mylib
local function f(keys, args) return redis.call('GET', 'config') end
redis.register_function('f', f)
--- bad at=1 only
return redis.call('GET', 'app:' .. 'config')
--- bad at=1 only
return redis.call('SINTERSTORE', KEYS[1], KEYS[2], 'banned')
--- bad at=3 only
local names = {'{a}1', '{a}2'}
for _, name in ipairs(names) do
    redis.call('DEL', name)
end
--- good clean
return redis.call('INCR', KEYS[1])
--- good clean
return redis.call('HGET', KEYS[1], 'visits')
--- good clean
redis.call('XADD', KEYS[1], '*', 'kind', 'visit')
return redis.call('PUBLISH', 'news', 'visit')
--- good clean
return redis.call('INFO', 'server')
--- good clean
local field = 'visits'
return redis.call('HINCRBY', KEYS[1], field, 1)
--- good clean
return redis.call('SET', KEYS[1], 'x', 'EX', 10)
--- good
#!lua flags=no-cluster
return redis.call('INCR', 'visits')
--- good clean
local key = KEYS[1]
return redis.call('EXPIRE', key, 10)
--- good clean
return redis.call('TIME')
--- bad at=6 says="`other`" only
local function read(key) return redis.call('GET', key) end
local function both(one, two)
    return {read(one) or '', read(two) or ''}
end
both(KEYS[1], KEYS[2])
return both(KEYS[1], 'other')
--- good clean
local function read(key) return redis.call('GET', key) end
local function both(one, two) return {read(one) or '', read(two) or ''} end
return both(KEYS[1], KEYS[2])
