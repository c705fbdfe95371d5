return {
    severity = 'info',
    summary = 'goto as a name, which newer dialects of Lua refuse',
    why = [[In Lua 5.1 `goto` is no keyword, so servers take it for a name. From Lua 5.2 on it is one: the script does not load
in tests, checkers and editors that stand on a newer Lua, and not on a server that moves on.]],
    bad = [[local goto = 1
return goto]],
    good = [[local target = 1
return target]],
    check = function(lint)
        return {remark = lint.remark}
    end,
}
