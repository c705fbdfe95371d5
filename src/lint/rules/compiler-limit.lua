-- 201 locals, ten a line.
local lines = {}
for line = 0, 20 do
    local names = {}
    for i = line * 10 + 1, math.min(line * 10 + 10, 201) do
        names[#names + 1] = 'v' .. i
    end
    lines[#lines + 1] = 'local ' .. table.concat(names, ', ')
end

return {
    severity = 'error',
    summary = 'more than the compiler takes: 200 locals, 60 upvalues, 200 levels',
    why = [[Lua 5.1 takes 200 local variables alive at once in one function, 60 variables of outer functions used in
one function (255 in newer dialects), and 200 levels of nested blocks, functions and expressions. Beyond, the server
refuses the script: "main function has more than 200 local variables", "function at line 3 has more than 60 upvalues",
"chunk has too many syntax levels". Sources that were generated, or put together of many parts, meet these first. A
table takes the place of many locals, and counts as one.]],
    bad = table.concat(lines, '\n'),
    good = [[local v = {}
for i = 1, 201 do
    v[i] = i
end
return #v]],
    check = function(lint)
        return {remark = lint.remark}
    end,
}
