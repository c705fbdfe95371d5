--- bad at=1 live="(integer) 1"
local goto = 1
return goto
--- bad at=2 live="\"x\""
local t = {}
t.goto = 'x'
return t.goto
--- bad live="\"x\""
local t = {goto = 'x'}
return t['goto']
--- bad live="(integer) 2"
local function goto(n)
    return n + 1
end
return goto(1)
--- bad live="(integer) 1"
#!lua name=names
redis.register_function('f', function(goto)
    return #goto - 1
end)
--- bad
for goto = 1, 2 do
    redis.call('INCR', KEYS[goto])
end
return 1
--- good clean live="(integer) 1"
local target = 1
return target
--- good clean live="\"goto\""
return 'goto'
--- good clean live="\"x\""
local t = {['goto'] = 'x'}
return t['goto']
--- good clean live="(integer) 1"
-- goto
return 1
--- good clean live="(integer) 2"
local gotos, _goto = 1, 2
return gotos < _goto and 2 or 0
