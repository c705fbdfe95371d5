--- bad at=1 says="replicas" only
redis.set_repl(redis.REPL_NONE)
return redis.call('SET', KEYS[1], ARGV[1])
--- bad at=1 says="nothing since Redis 7.0" only
redis.replicate_commands()
return redis.call('SET', KEYS[1], ARGV[1])
--- bad at=2 only
local set_repl = redis.set_repl
set_repl(redis.REPL_AOF)
return redis.call('SET', KEYS[1], ARGV[1])
--- bad at=2 says="does not exist in functions"
#!lua name=mylib
redis.register_function('f', function(keys, args) redis.replicate_commands() return 1 end)
--- bad at=2 only
#!lua name=mylib
redis.register_function('f', function(keys, args) redis.set_repl(redis.REPL_NONE) return 1 end)
--- bad at=2
local r = redis
r.set_repl(r.REPL_SLAVE)
return 1
--- bad target=valkey-9 at=1
server.set_repl(server.REPL_NONE)
return 1
--- good clean
return redis.call('SET', KEYS[1], ARGV[1])
--- good clean
local function set_repl(x) return x end
return set_repl(ARGV[1])
--- good clean
local t = {set_repl = 1}
return t.set_repl
--- good clean
redis.setresp(3)
return redis.call('GET', KEYS[1])
--- good clean
return 'redis.replicate_commands()'
