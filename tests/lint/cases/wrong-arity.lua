--- bad at=1 says="GET takes 1 argument, and is given 0" live="Wrong number of args"
return redis.call('GET')
--- bad at=1 says="takes 2 arguments, and is given 1" live="Wrong number of args"
return redis.call('HGET', KEYS[1])
--- bad at=2 says="leave out" live="Wrong number of args"
local call = redis.call
return call('get', KEYS[1], 'x')
--- bad at=1 says="at least 2 arguments" live="Wrong number of args"
return redis.pcall('SET', KEYS[1])
--- bad at=1 says="pairs" live="wrong number of arguments for 'hset' command"
return redis.call('HSET', KEYS[1], 'a', 1, 'b')
--- bad at=1 says="pairs" live="wrong number of arguments for 'mset' command"
return redis.call('MSET', KEYS[1], 1, KEYS[2])
--- bad at=1 says="OBJECT ENCODING takes 1 argument" live="Wrong number of args"
return redis.call('OBJECT', 'ENCODING')
--- bad at=1 says="subcommand" live="Wrong number of args"
return redis.call('OBJECT')
--- bad at=1 says="takes 1 argument, and is given 3" live="Wrong number of args"
return redis.call('INCR', KEYS[1], unpack(ARGV), 1)
--- bad at=2 says="EXPIRE takes at least 2 arguments, and is given 1" live="Wrong number of args"
#!lua name=mylib
redis.register_function('f', function(keys, args) return redis.call('EXPIRE', keys[1]) end)
--- bad at=1 says="DEL takes at least 1" live="Wrong number of args"
return redis.call('DEL')
--- good clean
return redis.call('GET', KEYS[1])
--- good
return redis.call('HSET', KEYS[1], unpack(ARGV))
--- good
local function pair() return 'a', 1 end
return redis.call('HSET', KEYS[1], pair())
--- good clean
return redis.call('SET', KEYS[1], tostring(1), 'EX', tonumber(ARGV[1]))
--- good clean
return redis.call('ZRANK', KEYS[1], 'a', 'WITHSCORE')
--- good clean
return redis.call('HSET', KEYS[1], 'a', 1, 'b', 2)
--- good
local function call(...) return redis.call(...) end
return call('GET', KEYS[1])
--- good
return redis.call('GET', unpack(KEYS))
--- good clean
return redis.call('OBJECT', 'ENCODING', KEYS[1])
--- good clean
return redis.call('PING')
--- good
return #redis.call('COMMAND')
--- good
local function all(...) return redis.call('SET', KEYS[1], ...) end
return all('x')
--- good
return redis.call('GET', (unpack(KEYS)))
--- bad at=1 says="is given 0" live="Wrong number of args"
return redis.call('ZADD')
