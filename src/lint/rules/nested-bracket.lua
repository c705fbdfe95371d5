return {
    severity = 'warning',
    summary = 'a long bracket that opens in one of its own kind: [[ in [[ ]]',
    why = [==[Lua 5.1 as it was published refuses [[ inside [[ ]], in strings and comments alike: "nesting of [[...]] is
deprecated near '['". Servers with the security fixes of October 2025 take it, those without do not, whatever their
version line: so the same script loads on one server and not on the next. With an equals sign, [=[ ]=], all take it.]==],
    bad = 'return [[a [[ b]]',
    good = 'return [=[a [[ b]=]',
    check = function(lint)
        return {remark = lint.remark}
    end,
}
