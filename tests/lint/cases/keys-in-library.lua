--- bad at=3:31 says="`function(keys, args)`" live="nonexistent global variable 'KEYS'"
#!lua name=counters
redis.register_function('f', function()
    return redis.call('INCR', KEYS[1])
end)
--- bad at=3 says="second" live="nonexistent global variable 'ARGV'"
#!lua name=counters
redis.register_function('f', function(keys)
    return redis.call('INCRBY', keys[1], ARGV[1])
end)
--- bad at=3 says="here `k`" live="nonexistent global variable 'KEYS'"
#!lua name=counters
redis.register_function('f', function(k, a)
    return redis.call('INCRBY', KEYS[1], a[1])
end)
--- bad at=2 live="nonexistent global variable 'KEYS'"
#!lua name=counters
local key = KEYS[1]
redis.register_function('f', function()
    return redis.call('INCR', key)
end)
--- bad at=3 live="nonexistent global variable 'KEYS'"
#!lua name=counters
local function hit()
    return redis.call('INCR', KEYS[1])
end
redis.register_function{function_name = 'f', callback = hit}
--- bad kind=function at=2
redis.register_function('f', function()
    return #ARGV
end)
--- bad live="nonexistent global variable 'KEYS'"
#!lua name=counters
redis.register_function('f', function()
    for i, key in ipairs(KEYS) do
        redis.call('DEL', key)
    end
    return 1
end)
--- good clean live="(integer) 1"
#!lua name=counters
redis.register_function('f', function(keys)
    return redis.call('INCR', keys[1])
end)
--- good live="(integer) 10"
#!lua name=counters
redis.register_function('f', function(KEYS, ARGV)
    return redis.call('INCRBY', KEYS[1], ARGV[1])
end)
--- good clean live="(integer) 1"
return redis.call('INCR', KEYS[1])
--- good clean live="(integer) 10"
#!lua flags=allow-oom
return redis.call('INCRBY', KEYS[1], ARGV[1])
--- good live="\"KEYS[1]\""
#!lua name=counters
redis.register_function('f', function()
    return 'KEYS[1]'
end)
--- good live="(integer) 2"
#!lua name=counters
local function size(KEYS)
    return #KEYS
end
redis.register_function('f', function(keys)
    return size(keys)
end)
