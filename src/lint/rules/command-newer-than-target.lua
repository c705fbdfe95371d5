-- Younger than the command table: the line that has it first.
local LATER <const> = {
    XACKDEL = 'Redis 8.2', XDELEX = 'Redis 8.2', DELEX = 'Redis 8.4', DIGEST = 'Redis 8.4',
    XNACK = 'Redis 8.8',
}

return {
    severity = 'warning',
    summary = 'a command that a server it is written for does not have',
    why = [[The call fails on that server when the script gets there: "Unknown Redis command called from script"
(Redis), "Unknown command called from script" (Valkey), and what the script wrote before stays. It is told if targets
were named (--target), and for these alone.]],
    bad = [[return redis.call('DELIFEQ', KEYS[1], ARGV[1])]],
    good = [[if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0]],
    check = function(lint)
        if not lint.target then
            return {}
        end
        return {
            command = function(node, call)
                if not call.name then
                    return
                end
                local lacking = {}
                if call.info then
                    for target in pairs(call.info.module and {} or lint.targets) do
                        if not call.info.on[target] then
                            lacking[#lacking + 1] = target
                        end
                    end
                elseif LATER[call.name] then
                    for target in pairs(lint.targets) do
                        if target ~= 'redis-8.0' then
                            lacking[#lacking + 1] = target
                        end
                    end
                end
                if #lacking > 0 then
                    table.sort(lacking)
                    lint.report(node, ('%s does not exist in %s%s: write it with older commands, or name newer targets')
                        :format(call.name, table.concat(lacking, ', '),
                        LATER[call.name] and ', but from ' .. LATER[call.name] .. ' on' or ''))
                end
            end,
        }
    end,
}
