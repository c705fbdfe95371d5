--- bad at=4:5 live="near 'n'"
local n = 0
while true do
    break
    n = n + 1
end
return n
--- bad live="near 'local'"
for i = 1, 2 do
    break
    local x = i
end
return 1
--- bad live="near 'n'"
local n = 0
repeat
    break
    n = n + 1
until n > 3
return n
--- bad at=5 live="expected (to close"
local n = 0
for i = 1, 3 do
    if i == 2 then
        break
        n = 100
    end
    n = n + i
end
return n
--- bad live="near 'redis'"
#!lua name=breaks
redis.register_function('f', function(keys)
    for _, key in ipairs(keys) do
        break redis.call('DEL', key)
    end
    return 1
end)
--- bad at=3 live="expected (to close"
for i = 1, 2 do
    break
    for j = 1, 2 do
        break
    end
end
return 1
--- good clean live="(integer) 1"
local n = 0
while true do
    n = n + 1
    break
end
return n
--- good clean live="(integer) 1"
local n = 0
while true do
    n = n + 1
    break;
end
return n
--- good clean live="(integer) 1"
local n = 0
for i = 1, 3 do
    if i == 2 then
        break
    end
    n = n + i
end
return n
--- good live="(integer) 0"
local n = 0
while true do
    do break end
    n = n + 1
end
return n
--- good live="\"break x\""
return 'break x'
--- good clean live="(integer) 2"
local n = 0
repeat
    n = n + 1
    if n == 2 then break else n = n + 0 end
until n > 3
return n
