--- bad at=1:26 says="made of ARGV" only
return redis.call('GET', 'user:' .. ARGV[1])
--- bad at=2 says="`key` is made of ARGV" only
local key = string.format('user:%s:cart', ARGV[1])
return redis.call('HGETALL', key)
--- bad at=3 says="a reply" only
local call = redis.call
local id = call('INCR', KEYS[1])
return call('HSET', 'job:' .. id, 'state', 'new')
--- bad at=1 says="hash tag" only
return redis.call('GET', KEYS[1] .. ':lock')
--- bad at=2 says="KEYS and ARGV" only
local prefix = KEYS[1]
return redis.pcall('del', prefix .. ARGV[1])
--- bad at=4 only
local function name(id)
    return 'item:' .. id
end
return redis.call('GET', name(ARGV[1]))
--- bad at=2 only
for i = 1, #ARGV do
    redis.call('DEL', 'item:' .. ARGV[i])
end
--- bad at=1 says="a reply"
return redis.call('GET', 'user:' .. redis.call('GET', KEYS[1]))
--- bad at=2 says="the keys" only
#!lua name=mylib
local function f(keys, args) return redis.call('GET', keys[1] .. ':x') end
redis.register_function('f', f)
--- bad at=2 says="the arguments" only
#!lua name=mylib
local function f(keys, args) return redis.call('GET', 'user:' .. args[1]) end
redis.register_function('f', f)
--- bad at=1:38 only
return redis.call('RENAME', KEYS[1], 'old:' .. ARGV[1])
--- bad at=1 only
return redis.call('EXISTS', ('user:' .. ARGV[1]):lower())
--- good clean
return redis.call('GET', KEYS[1])
--- good clean
local key = KEYS[1]
local function get(k) return redis.call('GET', k) end
return get(key)
--- good clean
for _, key in ipairs(KEYS) do
    redis.call('DEL', key)
end
return redis.call('SET', KEYS[1], 'user:' .. ARGV[1])
--- good clean
local keys = {KEYS[1], KEYS[2]}
for i = 1, #keys do
    redis.call('INCR', keys[i])
end
return #keys
--- good clean
local lock, data = KEYS[1], KEYS[2]
if redis.call('EXISTS', lock) == 0 then
    redis.call('HSET', data, 'field:' .. ARGV[1], ARGV[2])
end
return 1
--- good clean
local key = KEYS[1]
if ARGV[1] == '2' then
    key = KEYS[2]
end
return redis.call('GET', key)
--- good
#!lua flags=no-cluster
return redis.call('GET', 'user:' .. ARGV[1])
--- good clean
return redis.call('PUBLISH', 'channel:' .. ARGV[1], ARGV[2])
--- good clean
#!lua name=mylib
local function f(keys, args) return redis.call('GET', keys[1]) end
redis.register_function('f', f)
--- good clean
local field = 'count:' .. ARGV[1]
return redis.call('HINCRBY', KEYS[1], field, 1)
--- bad at=2 says="put together here" only
for i = 1, 4 do
    redis.call('DEL', 'shard:' .. i)
end
--- bad at=1 only
redis.call('HINCRBY', KEYS[1] .. ':load', 'count', 1)
return redis.call('INCR', KEYS[1] .. ':all')
--- bad at=3 says="ARGV and a reply" only
local prefix = ARGV[1]
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, 9)) do
    redis.call('DEL', prefix .. id, prefix .. id .. ':log')
end
--- good clean
local options = cjson.decode(ARGV[1])
local key = options.second and KEYS[2] or KEYS[1]
return redis.call('GET', key)
--- good clean
local key = KEYS[1] .. ':x'
key = KEYS[2]
return redis.call('GET', key)
--- good clean
return redis.call('GET', '{' .. KEYS[1] .. '}:lock')
--- good clean
local function count(key, n)
    if n == 0 then
        return redis.call('INCR', key)
    end
    return count(key, n - 1)
end
return count(KEYS[1], 3)
--- bad at=7:14 only
local function count(key, n)
    if n == 0 then
        return redis.call('INCR', key)
    end
    return count(key, n - 1)
end
return count('user:' .. ARGV[1], 3)
