--- bad at=1 says="makes code of ARGV"
return loadstring('return ' .. ARGV[1])()
--- bad at=2 says="makes code of ARGV"
local text = ARGV[1]
local f = assert(loadstring(text))
return f()
--- bad at=1 says="makes code of the data"
return loadstring(redis.call('GET', KEYS[1]))()
--- bad at=1:19 says="name of the command comes from ARGV"
return redis.call(ARGV[1], KEYS[1])
--- bad at=3
local command = ARGV[1]
local call = redis.pcall
return call(command, KEYS[1])
--- bad at=1
return redis.call(unpack(ARGV))
--- bad at=2 says="the arguments"
#!lua name=mylib
redis.register_function('f', function(keys, args) return loadstring(args[1])() end)
--- bad at=2
local compile = loadstring
return compile(string.format('return %s', ARGV[1]))()
--- good clean
local names = {add = 'SADD', remove = 'SREM'}
return redis.call(names[ARGV[1]] or 'SADD', KEYS[1], ARGV[2])
--- good
return loadstring('return 1')()
--- good clean
if ARGV[1] == 'SADD' or ARGV[1] == 'SREM' then
    return redis.call(ARGV[1], KEYS[1], ARGV[2])
end
return 0
--- good clean
return redis.call('SET', KEYS[1], 'return ' .. ARGV[1])
--- good clean
local actions = {double = function(x) return x * 2 end}
local action = actions[ARGV[1]]
if action then
    return action(2)
end
return 0
--- good clean
local which = 'GET'
if ARGV[1] == '1' then
    which = 'STRLEN'
end
return redis.call(which, KEYS[1])
--- good
local allowed = {SADD = true, SREM = true}
local command = ARGV[1]
if allowed[command] then
    return redis.call(command, KEYS[1], ARGV[2])
end
return 0
--- good clean
local options = cjson.decode(ARGV[1])
local push = options.front and 'RPUSH' or 'LPUSH'
return redis.call(push, KEYS[1], ARGV[2])
--- good
local words = {'SADD', KEYS[1]}
for i = 1, #ARGV do
    words[#words + 1] = ARGV[i]
end
return redis.call(unpack(words))
--- bad at=1 says="comes from ARGV"
return redis.pcall(unpack(ARGV, 2, #ARGV))
