--- bad at=1:8 says="Redis" live-redis="nonexistent global variable 'server'" live-valkey="(integer) 1" only
return server.call('INCR', KEYS[1])
--- bad at=1 says="redis-7.0" live-valkey="(integer) 1"
local start = os.clock()
return os.clock() >= start and 1 or 0
--- bad target=redis-7.0,valkey-8.0 says="on Redis" live-redis="nonexistent global variable 'server'"
local api = server
return api.call('PING')
--- bad target=redis-7,redis-8.0 says="redis-7.2" says="TIME"
local start = os.clock()
return redis.call('SET', KEYS[1], start)
--- bad live-redis="attempt to concatenate field 'VALKEY_VERSION' (a nil value)"
return 'on ' .. redis.VALKEY_VERSION
--- bad says="October 2025"
setfenv(1, {})
return 1
--- bad says="October 2025"
local env = getfenv(1)
return 1
--- bad at=2 live-redis="nonexistent global variable 'server'"
#!lua name=mixed
server.register_function('f', function(keys)
    return redis.call('INCR', keys[1])
end)
--- bad at=2 live-redis="nonexistent global variable 'server'"
redis.call('SET', KEYS[1], 'v')
if server then
    return 1
end
return 0
--- bad target=redis-7.2,valkey-9 says="on Redis"
return server.sha1hex(ARGV[1])
--- good clean live="(integer) 1"
return redis.call('INCR', KEYS[1])
--- good target=valkey-8.0 clean live-valkey="(integer) 1"
return server.call('INCR', KEYS[1])
--- good target=valkey-8.0,valkey-9 clean live-valkey="(integer) 1"
return os.clock() >= 0 and 1 or 0
--- good target=redis-7.4 clean
local start = os.clock()
return os.clock() < start and 1 or 0
--- good clean live-redis="(integer) 0" live-valkey="(integer) 1"
return redis.SERVER_NAME == 'valkey' and 1 or 0
--- good live-redis="\"redis\"" live-valkey="\"valkey\""
return redis.SERVER_NAME or 'redis'
--- good live-redis="(integer) 0" live-valkey="(integer) 1"
if redis.VALKEY_VERSION then
    return server.call('INCR', KEYS[1])
end
return 0
--- good live-redis="\"PONG\"" live-valkey="\"PONG\""
local api = rawget(_G, 'server') or redis
local reply = api.call('PING')
return reply.ok
--- good live-redis="(integer) 0" live-valkey="(integer) 1"
local ok = pcall(function() return server.call('PING') end)
return ok and 1 or 0
--- good clean live="(integer) 1"
local server = {call = redis.call}
return server.call('INCR', KEYS[1])
