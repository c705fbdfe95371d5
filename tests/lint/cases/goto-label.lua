--- bad at=2:5 live="'=' expected near 'done'"
do
    goto done
    ::done::
end
return 1
--- bad live="'=' expected near 'continue'"
local n = 0
for i = 1, 3 do
    if i == 2 then goto continue end
    n = n + i
    ::continue::
end
return n
--- bad at=1:1 live="unexpected symbol near ':'"
::top::
return 1
--- bad live="unexpected symbol near ':'"
local tries = 0
::retry::
tries = tries + 1
if tries < 3 then
    goto retry
end
return tries
--- bad live="expected near"
#!lua name=jumps
redis.register_function('f', function(keys)
    for _, key in ipairs(keys) do
        if redis.call('EXISTS', key) == 0 then
            goto next
        end
        redis.call('DEL', key)
        ::next::
    end
    return 1
end)
--- bad at=4:9 live="expected near"
for i = 1, 2 do
    for j = 1, 2 do
        -- out of both
        goto out
    end
end
::out::
return 1
--- good clean live="(integer) 4"
local n = 0
for i = 1, 3 do
    if i ~= 2 then
        n = n + i
    end
end
return n
--- good clean live="(integer) 3"
local tries = 0
repeat
    tries = tries + 1
until tries == 3
return tries
--- good live="\"goto done ::done::\""
return 'goto done ::done::'
--- good live="(integer) 1"
-- goto is no good idea: ::label::
return 1
--- good clean live="(integer) 2"
local function first_over(limit)
    for i = 1, 9 do
        if i > limit then
            return i
        end
    end
end
return first_over(1)
--- good
local goto = 1
goto = goto + 1
return goto
