return {
    severity = 'error',
    summary = 'a server that was asked (--server) judges the syntax otherwise than the linter',
    why = [[The server's own compiler has the last word. If it refuses what the linter takes, the server's words say why: with
--server the script was sent to it, and not run. If it takes what the linter refuses, other servers may not; the linter
knows the compiler that Redis 7.0 and later and Valkey have in them. Either is worth telling the linter's authors.]],
    bad = [[-- on a server whose Lua was built with other limits
return 1]],
    good = [[return 1]],
    -- Told by the program that asks.
    check = function()
        return {}
    end,
}
