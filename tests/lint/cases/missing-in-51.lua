--- bad at=1:26 says="unpack(list)" live="attempt to call field 'unpack' (a nil value)" only
return redis.call('DEL', table.unpack(KEYS))
--- bad at=2 live="attempt to call field 'pack' (a nil value)"
local function count(...)
    return table.pack(...).n
end
return count(1, nil)
--- bad at=1 says="struct.pack" live="attempt to call field 'pack' (a nil value)"
return string.pack('i4', 1)
--- bad at=1 says="struct.unpack" live="attempt to call method 'unpack' (a nil value)"
return ('abcd'):unpack('i4')
--- bad at=1 live="nonexistent global variable 'utf8'"
return utf8.char(233)
--- bad at=1 live="attempt to call field 'type' (a nil value)"
return math.type(1)
--- bad at=1 live="attempt to call field 'tointeger' (a nil value)"
return math.tointeger(3)
--- bad at=2 live="(nil)"
local least = false
local most = math.maxinteger
return most
--- bad at=1 live="bad argument #1 to 'load' (function expected, got string)"
return load('return 1')()
--- bad at=2 live="bad argument #1 to 'load'"
local env = {}
return load('return 1', 'chunk', 't', env)()
--- bad at=1 says="separator" live="\"ababab\""
return string.rep('ab', 3, ',')
--- bad at=1 says="separator" live="\"ababab\""
return ('ab'):rep(3, ',')
--- bad at=1 says="base" live="(integer) 2"
return math.floor(math.log(8, 2))
--- bad at=1 live="attempt to call field 'move' (a nil value)"
return #table.move(KEYS, 1, #KEYS, 1, {})
--- bad at=1 live="nonexistent global variable 'rawlen'"
return rawlen(KEYS)
--- bad at=1 live="nonexistent global variable 'bit32'"
return bit32.band(6, 3)
--- bad at=1 live="attempt to call field 'ult' (a nil value)"
return math.ult(1, 2) and 1 or 0
--- bad at=1 live="nonexistent global variable '_ENV'"
return _ENV.KEYS[1]
--- bad at=1 live="(integer) 2"
local _ENV = {KEYS = {}}
return #KEYS
--- bad at=1 says="`__len`" live="(integer) 0"
local list = setmetatable({}, {__len = function() return 5 end})
return #list
--- bad says="`__pairs`" live="(integer) 0"
local n = 0
local list = setmetatable({}, {__pairs = function() return next, {1} end})
for _ in pairs(list) do
    n = n + 1
end
return n
--- bad live="attempt to call field 'close' (a nil value)"
local routine = coroutine.create(function() return 1 end)
return coroutine.close(routine)
--- bad at=2 live="(nil)"
local function same(x) return x end
local ok, got = xpcall(same, tostring, 5)
return got
--- bad at=3 live="attempt to call field 'unpack' (a nil value)"
#!lua name=lists
redis.register_function('f', function(keys)
    return redis.call('DEL', table.unpack(keys))
end)
--- bad at=2 live="attempt to call field 'unpack' (a nil value)"
local t = table
return t.unpack({1})
--- good clean live="(integer) 0"
return redis.call('DEL', KEYS[1], KEYS[2])
--- good live="(integer) 0"
local unpack = table.unpack or unpack
return redis.call('DEL', unpack(KEYS))
--- good clean live="(integer) 2"
local function count(...)
    return select('#', ...)
end
return count(1, nil)
--- good clean live="\"a,b\""
return table.concat({'a', 'b'}, ',')
--- good live="(integer) 1"
return loadstring('return 1')()
--- good clean live="\"ababab\""
return string.rep('ab', 3)
--- good clean live="(integer) 1"
local struct_size = struct.size('i4')
local packed = struct.pack('i4', 1)
return #packed == struct_size and 1 or 0
--- good clean live="(integer) 3"
local buffer = {items = {}}
function buffer:pack(n)
    self.items[1] = n
    return n
end
return buffer:pack(3)
--- good clean live="(integer) 1"
local utf8 = {char = 1}
return utf8.char
--- good clean live="(integer) 4"
return (#setmetatable({}, {__index = {}, __call = function() return 1 end}) + 4)
--- good live="(integer) 9007199254740991"
return math.maxinteger or 9007199254740991
