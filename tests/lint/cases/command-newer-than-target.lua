--- bad target=redis-7.0 at=1 says="does not exist in redis-7.0" only
return redis.call('HEXPIRE', KEYS[1], 10, 'FIELDS', 1, 'name')
--- bad target=valkey-8 at=1 says="valkey-8.0, valkey-8.1" only
return redis.call('DELIFEQ', KEYS[1], ARGV[1])
--- bad target=redis-8 at=2 only
local call = redis.call
return call('delifeq', KEYS[1], ARGV[1])
--- bad target=redis-7.0,redis-8 at=1 says="redis-7.0:" only
return redis.pcall('HGETDEL', KEYS[1], 'FIELDS', 1, 'name')
--- bad target=redis-7.0 at=1 says="from Redis 8.2 on" only
return redis.call('XACKDEL', KEYS[1], 'group', 'IDS', 1, '1-1')
--- bad target=redis-7.0 at=2 only
#!lua name=mylib
redis.register_function('f', function(keys, args) return redis.call('HSETEX', keys[1], 'FIELDS', 1, 'a', 'b') end)
--- good clean
return redis.call('HEXPIRE', KEYS[1], 10, 'FIELDS', 1, 'name')
--- good target=redis-8 clean
return redis.call('HEXPIRE', KEYS[1], 10, 'FIELDS', 1, 'name')
--- good target=valkey-9.1 clean
return redis.call('DELIFEQ', KEYS[1], ARGV[1])
--- good target=redis-7.0 clean
return redis.call('GETDEL', KEYS[1])
--- good target=redis-7.0
return redis.call('NOSUCH', KEYS[1])
--- good target=valkey-8 clean
return redis.call('JSON.GET', KEYS[1])
