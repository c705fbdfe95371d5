return {
    severity = 'error',
    summary = 'a break with something behind it in its block',
    why = [[In Lua 5.1 `break`, like `return`, has to be the last statement of its block. The server refuses what has
more behind it: "'end' expected (to close 'while' at line 2) near 'n'". `do break end` may stand anywhere.]],
    bad = [[local n = 0
while true do
    break
    n = n + 1
end
return n]],
    good = [[local n = 0
while true do
    n = n + 1
    break
end
return n]],
    check = function(lint)
        return {remark = lint.remark}
    end,
}
