--- bad at=1 live-redis="\"a [[ b\"" only
return [[a [[ b]]
--- bad
--[[ a comment with [[ in it ]]
return 1
--- bad
return [[
local list = {[[a]]
--- bad
local pattern = [[x[[y]]
return redis.call('SET', KEYS[1], pattern)
--- bad
#!lua name=texts
redis.register_function('f', function()
    return [[ [[ ]]
end)
--- bad
return #[[[[]]
--- good clean live="\"a [[ b\""
return [=[a [[ b]=]
--- good clean live="(integer) 1"
--[=[ a comment with [[ in it ]=]
return 1
--- good clean live="\"a [ b\""
return [[a [ b]]
--- good clean live="\"a [=[ b\""
return [[a [=[ b]]
--- good live="\"[[\""
return '[['
--- good live="\"a [==[ b\""
return [==[a [==[ b]==]
