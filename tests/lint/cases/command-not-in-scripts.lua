--- bad at=1 says="runs as a whole" live-redis="This Redis command is not allowed from script" live-valkey="command is not allowed from script"
return redis.call('MULTI')
--- bad at=2 says="PUBLISH" live="command is not allowed from script"
local call = redis.call
return call('subscribe', 'news')
--- bad at=1 says="CLIENT ID" live="command is not allowed from script"
return redis.call('CLIENT', 'ID')
--- bad at=1 says="CONFIG SET" live="command is not allowed from script"
return redis.pcall('config', 'set', 'maxmemory', '0')
--- bad at=1 says="local function" live="command is not allowed from script"
return redis.call('EVAL', 'return 1', 0)
--- bad at=1 says="runs as a whole" live="command is not allowed from script"
redis.call('WATCH', KEYS[1])
return redis.call('GET', KEYS[1])
--- bad at=1 says="the connection" live="command is not allowed from script"
return redis.call('AUTH', ARGV[1])
--- bad at=1 says="write LPOP"
return redis.call('BLPOP', KEYS[1], 0)
--- bad target=redis-7.0 at=1 says="redis-7.0 refuses"
return redis.call('BRPOP', KEYS[1], 0)
--- bad at=1 says="leave BLOCK out"
return redis.call('XREAD', 'BLOCK', 0, 'STREAMS', KEYS[1], '$')
--- bad at=1 says="never waits"
return redis.call('WAIT', 1, 100)
--- bad at=2 live="command is not allowed from script"
#!lua name=mylib
redis.register_function('f', function(keys, args) return redis.call('SCRIPT', 'FLUSH') end)
--- bad target=valkey-8 at=1 says="write ZPOPMIN"
return redis.call('BZPOPMIN', KEYS[1], 0)
--- bad at=2 live="command is not allowed from script"
local command, sub = 'FUNCTION', 'LIST'
return redis.call(command, sub)
--- good clean
return redis.call('LPOP', KEYS[1])
--- good clean
return redis.call('PUBLISH', KEYS[1], 'MULTI')
--- good clean
return redis.call('XREAD', 'COUNT', 10, 'STREAMS', KEYS[1], '0')
--- good clean
return redis.call('SET', KEYS[1], 'SUBSCRIBE')
--- good clean
return redis.call('INFO', 'memory')
--- good clean
local commands = {MULTI = 1, EXEC = 2}
return commands[ARGV[1]]
--- good clean
return redis.call('XREAD', 'STREAMS', KEYS[1], 'BLOCK')
--- good clean
local function eval(text) return #text end
return eval(ARGV[1])
--- good clean
return redis.call('OBJECT', 'ENCODING', KEYS[1])
