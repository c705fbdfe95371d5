return {
    severity = 'error',
    summary = 'goto, or a label, which came with Lua 5.2',
    why = [[Lua 5.1 has neither. To the server `goto` is a name like any other, so it expects an assignment or a call
and says "'=' expected near 'continue'", and nothing of the script runs. A loop's `goto continue` becomes an `if`
around the rest of the body, or a function that returns early.]],
    bad = [[local n = 0
for i = 1, 3 do
    if i == 2 then goto continue end
    n = n + i
    ::continue::
end
return n]],
    good = [[local n = 0
for i = 1, 3 do
    if i ~= 2 then
        n = n + i
    end
end
return n]],
    check = function(lint)
        return {remark = lint.remark}
    end,
}
