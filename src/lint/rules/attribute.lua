return {
    severity = 'error',
    summary = 'an attribute of Lua 5.4 on a local: <const>, <close>',
    why = [[Lua 5.1 knows no attributes: the server refuses the script with "unexpected symbol near '<'". A plain
local does for <const>; what <close> would release has to be released by hand.]],
    bad = [[local limit <const> = 10
return limit]],
    good = [[local limit = 10
return limit]],
    check = function(lint)
        return {remark = lint.remark}
    end,
}
