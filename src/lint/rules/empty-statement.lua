return {
    severity = 'error',
    summary = 'a semicolon with no statement in front of it',
    why = [[In Lua 5.1 a semicolon may end a statement, and is none itself. Where there is nothing to end (two in a
row, one at the beginning, one behind `then`), the server refuses the script: "unexpected symbol near ';'".]],
    bad = [[local n = 1;;
return n]],
    good = [[local n = 1;
return n]],
    check = function(lint)
        return {remark = lint.remark}
    end,
}
