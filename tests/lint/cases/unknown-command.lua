--- bad at=1:19 says="HGET" live-redis="Unknown Redis command called from script" live-valkey="Unknown command called from script"
return redis.call('HGETT', KEYS[1], 'name')
--- bad at=2 says="EXPIRE" live-redis="Unknown Redis command" live-valkey="Unknown command"
local call = redis.call
return call('expir', KEYS[1], 10)
--- bad at=1 says="DEL" live-redis="Unknown Redis command" live-valkey="Unknown command"
return redis.pcall('DELETE', KEYS[1])
--- bad at=1 says="'CLIENT', 'ID'" live-redis="Unknown Redis command" live-valkey="Unknown command"
return redis.call('CLIENT ID')
--- bad at=1 says="'GET', 'x'" live-redis="Unknown Redis command" live-valkey="Unknown command"
return redis.call('GET x')
--- bad at=1 says="OBJECT has no subcommand" live-redis="Unknown Redis command" live-valkey="nknown"
return redis.call('OBJECT', 'ENCODINGS', KEYS[1])
--- bad at=1 says="name of the command is empty" live-redis="Unknown Redis command" live-valkey="Unknown command"
return redis.call('', KEYS[1])
--- bad at=2 says="no server knows" live-redis="Unknown Redis command" live-valkey="Unknown command"
#!lua name=mylib
redis.register_function('f', function(keys, args) return redis.call('HSETT', keys[1], 'a', 1) end)
--- bad at=2 says="ZRANGEBYSCORE" live-redis="Unknown Redis command" live-valkey="Unknown command"
local command = 'zrangebyscor'
return redis.call(command, KEYS[1], 0, 1)
--- good clean
return redis.call('hget', KEYS[1], 'name')
--- good clean
return redis.call('JSON.GET', KEYS[1])
--- good
return redis.call('HEXPIRE', KEYS[1], 10, 'FIELDS', 1, 'name')
--- good
return redis.call('XACKDEL', KEYS[1], 'group', 'IDS', 1, '1-1')
--- good
return redis.call(ARGV[1], KEYS[1])
--- good clean
local function call(name) return name end
return call('HGETT')
--- good clean
local redis_call = redis.call
return redis_call('Object', 'encoding', KEYS[1])
--- good clean
local t = {call = function(name) return name end}
return t.call('HGETT')
--- good
return redis.call('OBJECT', ARGV[1], KEYS[1])
