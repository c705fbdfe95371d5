return {
    severity = 'error',
    summary = 'source that no Lua compiles',
    why = [[The server answers SCRIPT LOAD, EVAL or FUNCTION LOAD with "Error compiling", and nothing runs. Behind the place
that is told nothing else is looked at: mend it and run the linter again. No comment and no setting turns this off.]],
    bad = [[if redis.call('EXISTS', KEYS[1]) == 1 {
    return 1
}]],
    good = [[if redis.call('EXISTS', KEYS[1]) == 1 then
    return 1
end]],
    check = function(lint)
        return {remark = lint.remark}
    end,
}
