--- bad at=1:26 says="write KEYS[1]" live-redis="arguments must be strings or integers" live-valkey="arguments must be strings or integers"
return redis.call('GET', KEYS[0])
--- bad numkeys=2 at=1:26 says="called with 2 keys" live="arguments must be strings or integers"
return redis.call('GET', KEYS[3])
--- bad numkeys=2 at=1 says="called with 2 keys" live="arguments must be strings or integers"
local third = KEYS[3]
return redis.call('GET', third)
--- bad at=2 says="first round" live="arguments must be strings or integers"
for i = 0, #KEYS - 1 do
    redis.call('GET', KEYS[i])
end
--- bad numkeys=2 at=2 says="last round" live="arguments must be strings or integers"
for i = 1, 3 do
    redis.call('GET', KEYS[i])
end
--- bad numkeys=1 at=2 says="1 key;"
local keys = KEYS
return redis.call('GET', keys[2])
--- bad at=1 says="ARGV[1]" live="arguments must be strings or integers"
return redis.call('SET', KEYS[1], ARGV[0])
--- bad at=3 live="arguments must be strings or integers"
#!lua name=mylib
local function f(keys, args)
    return redis.call('GET', keys[0])
end
redis.register_function('f', f)
--- bad numkeys=0 at=1 says="0 keys"
return redis.call('GET', KEYS[1])
--- good numkeys=2 clean
return redis.call('MGET', KEYS[1], KEYS[2])
--- good clean
return redis.call('GET', KEYS[3])
--- good numkeys=2
if KEYS[3] then
    redis.call('DEL', KEYS[3])
end
return redis.call('GET', KEYS[1])
--- good numkeys=2
local third = KEYS[3]
if third then
    redis.call('DEL', third)
end
return 1
--- good numkeys=1
if #KEYS > 1 then
    redis.call('DEL', KEYS[2])
end
return 1
--- good numkeys=2 clean
for i = 1, #KEYS do
    redis.call('DEL', KEYS[i])
end
return redis.call('SET', KEYS[1], ARGV[3])
--- good numkeys=2 clean
for i = 2, 1, -1 do
    redis.call('DEL', KEYS[i])
end
return 1
--- good numkeys=1
local other = KEYS[2] or KEYS[1]
return redis.call('GET', other)
--- good numkeys=1 clean
#!lua name=mylib
local function f(keys, args) return redis.call('GET', keys[2]) end
redis.register_function('f', f)
--- good clean
local count = {}
count[0] = redis.call('GET', KEYS[1])
return count[0]
--- good numkeys=2
local n = #KEYS
if n == 3 then
    return redis.call('GET', KEYS[3])
end
return redis.call('GET', KEYS[1])
