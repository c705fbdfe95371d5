return {
    severity = 'warning',
    summary = 'a script that decides itself what replicas and the append-only file are told',
    why = [[redis.set_repl makes writes happen here and not on replicas or not in the append-only file: after a failover or
a restart they are gone, or the copies differ for good. redis.replicate_commands does nothing since Redis 7.0, where
scripts are always replicated by what they did; in function libraries it does not exist ("attempt to call field
'replicate_commands' (a nil value)").]],
    bad = [[redis.set_repl(redis.REPL_NONE)
return redis.call('SET', KEYS[1], ARGV[1])]],
    good = [[return redis.call('SET', KEYS[1], ARGV[1])]],
    check = function(lint)
        return {
            call = function(node)
                local name = lint.builtin(node.callee)
                if name == 'redis.set_repl' then
                    lint.report(node, ('`%s` makes replicas and the append-only file differ from what is here: leave it '
                        .. 'out'):format(lint.text(node.callee)))
                elseif name == 'redis.replicate_commands' and lint.kind == 'function' then
                    lint.report(node, ('`%s` does not exist in functions: leave it out, it is how they work anyway')
                        :format(lint.text(node.callee)))
                elseif name == 'redis.replicate_commands' then
                    lint.report(node, ('`%s` does nothing since Redis 7.0: leave it out'):format(lint.text(node.callee)))
                end
            end,
        }
    end,
}
