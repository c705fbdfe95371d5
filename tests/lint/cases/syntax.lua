--- bad at=1:39 live="Error compiling script" only
if redis.call('EXISTS', KEYS[1]) == 1 {
    return 1
}
--- bad live="Error compiling script" only
local count = 1
if count > 0 then
    return count
--- bad at=1 live="unfinished string" only
return 'never closed
--- bad at=2 live="near 'else'" only
if #KEYS > 0 then return 1 end
else return 2 end
--- bad at=1 live="Error compiling script" only
return #KEYS != 0
--- bad at=1 live="'=' expected near '+'" only
local n = 1; n += 2
return n
--- bad live="malformed number" only
return 3x
--- bad at=2 live="Error compiling function" only
#!lua name=broken
redis.register_function('f', function(keys) return keys[1]
--- bad at=1 live="'=' expected" only
int count = 1
return count
--- bad at=1 live="near '|'" only
return KEYS[1] || 'none'
--- bad at=1 live="unfinished long" only
return [[text
--- good clean live="(integer) 0"
if redis.call('EXISTS', KEYS[1]) == 1 then
    return 1
end
return 0
--- good clean live="(integer) 2"
return (#KEYS ~= 0) and #KEYS or 0
--- good clean live="\"if then else\""
return 'if then else'
--- good clean live="(integer) 3"
local n = 1
n = n + 2
return n
--- good clean live="(integer) 1"
#!lua name=whole
redis.register_function('f', function(keys)
    return redis.call('INCR', keys[1])
end)
--- good clean live="\"none\""
return redis.call('GET', KEYS[1]) or 'none'
