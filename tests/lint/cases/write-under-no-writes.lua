--- bad at=2 says="INCR is refused as a write" live="Write commands are not allowed from read-only scripts" only
#!lua flags=no-writes
return redis.call('INCR', KEYS[1])
--- bad at=3 live="Write commands are not allowed from read-only scripts" only
#!lua flags=allow-oom,no-writes
local call = redis.call
return call('set', KEYS[1], 'x')
--- bad at=2 says="BITFIELD_RO" live="Write commands are not allowed from read-only scripts" only
#!lua flags=no-writes
return redis.call('BITFIELD', KEYS[1], 'GET', 'u8', 0)
--- bad at=2 live="Write commands are not allowed from read-only scripts" only
#!lua flags=no-writes
return redis.call('PUBLISH', KEYS[1], ARGV[1])
--- bad at=2 live="Write commands are not allowed from read-only scripts" only
#!lua flags=no-writes
return redis.pcall('PFCOUNT', KEYS[1])
--- bad at=3 says="`f` is registered" live="Write commands are not allowed from read-only scripts" only
#!lua name=mylib
local function f(keys, args)
    return redis.call('SET', keys[1], 'x')
end
redis.register_function{function_name = 'f', callback = f, flags = {'no-writes'}}
--- bad at=2 live="Write commands are not allowed from read-only scripts" only
#!lua name=mylib
local function put(key) return redis.call('SET', key, 'x') end
local function f(keys, args) return put(keys[1]) end
redis.register_function{function_name = 'f', callback = f, flags = {'allow-oom', 'NO-WRITES'}}
--- bad at=4 live="Write commands are not allowed from read-only scripts" only
#!lua name=mylib
redis.register_function{
    function_name = 'f', flags = {'no-writes'}, callback = function(keys, args)
        return redis.call('DEL', keys[1])
    end,
}
--- good clean
#!lua flags=no-writes
return redis.call('GET', KEYS[1])
--- good clean
#!lua flags=allow-oom
return redis.call('DEL', KEYS[1])
--- good clean
#!lua flags=no-writes
return redis.call('BITFIELD_RO', KEYS[1], 'GET', 'u8', 0)
--- good clean
#!lua name=mylib
local function put(keys, args) return redis.call('SET', keys[1], args[1]) end
local function get(keys, args) return redis.call('GET', keys[1]) end
redis.register_function{function_name = 'get', callback = get, flags = {'no-writes'}}
redis.register_function('put', put)
--- good clean
return redis.call('INCR', KEYS[1])
--- good clean
#!lua flags=no-writes
local function set(t, k, v) t[k] = v end
local t = {}
set(t, 'SET', redis.call('GET', KEYS[1]))
return t.SET
--- good
#!lua flags=no-writes
return redis.call(ARGV[1], KEYS[1])
--- good clean
#!lua name=mylib
redis.register_function{function_name = 'f', flags = {'allow-stale'}, callback = function(keys, args)
    return redis.call('DEL', keys[1])
end}
