return {
    severity = 'error',
    summary = [[an escape that Lua 5.1 does not know: \x41, \u{41}, \z]],
    why = [[Lua 5.1 knows \a \b \f \n \r \t \v \\ \" \' \ddd and an escaped line end. Of any other escape it drops the
backslash and says nothing: "\x41" are the three characters x41, "\u{e9}" are u{e9}, and "\z" is a z with the space
behind it. So the script runs, with wrong keys and wrong values. Decimal escapes do: "\065".]],
    bad = [[return '\x41']],
    good = [[return '\065']],
    check = function(lint)
        return {remark = lint.remark}
    end,
}
