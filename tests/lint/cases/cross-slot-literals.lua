--- bad at=2:27 says="slots 3300 and 7365"
redis.call('SET', 'b', 1)
return redis.call('INCR', 'c')
--- bad at=3
local cart = 'cart:7'
local call = redis.call
call('DEL', cart) return call('INCR', 'orders')
--- bad at=2
redis.call('DEL', '{user:1}:' .. ARGV[1])
return redis.call('DEL', '{user:2}:' .. ARGV[1])
--- bad at=1 says="`b` and `a`"
return redis.call('MSET', 'b', 1, 'a', 2)
--- bad at=3
local one, two = '{x}1', '{y}1'
redis.call('GET', one)
return redis.call('GET', two)
--- bad at=2
#!lua name=mylib
redis.register_function('f', function(keys, args) return redis.call('RENAME', 'b', 'c') end)
--- bad at=4
if redis.call('EXISTS', 'b') == 1 then
    redis.call('DEL', 'b')
end
return redis.call('GET', 'c')
--- good
redis.call('SET', '{user}:a', 1)
return redis.call('INCR', '{user}:b')
--- good
return redis.call('GET', 'only')
--- good clean
redis.call('SET', KEYS[1], 'b')
return redis.call('SET', KEYS[2], 'c')
--- good
if ARGV[1] == 'b' then
    return redis.call('GET', 'b')
else
    return redis.call('GET', 'c')
end
--- good
if ARGV[1] == 'b' then
    return redis.call('GET', 'b')
end
return redis.call('GET', 'c')
--- good
#!lua flags=allow-cross-slot-keys
redis.call('SET', 'b', 1)
return redis.call('INCR', 'c')
--- good
redis.call('SET', 'b:' .. ARGV[1], 1)
return redis.call('INCR', 'c:' .. ARGV[1])
--- good
redis.call('DEL', '{user:1}:' .. ARGV[1])
return redis.call('DEL', '{user:1}:b')
--- good
#!lua name=mylib
redis.register_function('f', function(keys, args) return redis.call('GET', 'b') end)
redis.register_function('g', function(keys, args) return redis.call('GET', 'c') end)
--- good clean
redis.call('HSET', KEYS[1], 'b', 1)
return redis.call('HSET', KEYS[1], 'c', 1)
