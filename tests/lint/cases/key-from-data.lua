--- bad at=1:26 says="pass it in KEYS" only
return redis.call('GET', ARGV[1])
--- bad at=2 says="`key`" only
local key = ARGV[1]
return redis.call('INCR', key)
--- bad at=5 says="a reply" only
local id = redis.call('GET', KEYS[1])
if not id then
    return false
end
return redis.call('GET', id)
--- bad at=3 says="a reply" only
local ids = redis.call('ZRANGE', KEYS[1], 0, 9)
for _, id in ipairs(ids) do
    redis.call('DEL', id)
end
--- bad at=2 only
local rcall = redis.pcall
return rcall('exists', ARGV[2])
--- bad at=4:13 only
local function drop(key)
    return redis.call('DEL', key)
end
return drop(ARGV[1])
--- bad at=1 only
return redis.call('RENAME', KEYS[1], ARGV[1])
--- bad at=2 says="pass it in the keys" only
#!lua name=mylib
local function f(keys, args) return redis.call('GET', args[1]) end
redis.register_function('f', f)
--- bad at=2 only
for i = 1, #ARGV do
    redis.call('DEL', ARGV[i])
end
--- bad at=1
return redis.call('DEL', unpack(ARGV))
--- good clean
return redis.call('SET', KEYS[1], ARGV[1])
--- good clean
local key, value = KEYS[1], ARGV[1]
return redis.call('SET', key, value)
--- good
return redis.call('DEL', unpack(KEYS))
--- good clean
local current = redis.call('GET', KEYS[1])
if current then
    return redis.call('SET', KEYS[2], current)
end
return current
--- good clean
local function put(key, field, value)
    return redis.call('HSET', key, field, value)
end
return put(KEYS[1], ARGV[1], ARGV[2])
--- good clean
for i, key in ipairs(KEYS) do
    redis.call('SET', key, ARGV[i])
end
return 1
--- good clean
return redis.call('PUBLISH', ARGV[1], ARGV[2])
--- good
#!lua flags=no-cluster
return redis.call('GET', ARGV[1])
--- good
local list = {}
for i = 1, #KEYS do
    list[i] = KEYS[i]
end
return redis.call('MGET', unpack(list))
--- bad at=3 says="a reply"
local entries = redis.call('SMEMBERS', KEYS[1])
if #entries > 0 then
    redis.call('DEL', unpack(entries))
end
--- good
local key = ARGV[1]
key = KEYS[1]
return redis.call('GET', key)
