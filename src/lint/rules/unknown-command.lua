-- Younger than the command table.
local LATER <const> = {
    ['XACKDEL'] = true, ['XDELEX'] = true, ['DELEX'] = true, ['DIGEST'] = true,
    ['XNACK'] = true, ['XCFGSET'] = true, ['HOTKEYS'] = true, ['VRANGE'] = true,
    ['CLUSTER MIGRATION'] = true,
}

-- What other languages call it.
local MEANT <const> = {
    DELETE = 'DEL', REMOVE = 'DEL', HAS = 'EXISTS', PUT = 'SET', HDELETE = 'HDEL', HREMOVE = 'HDEL', HGETS = 'HMGET',
    HMGETALL = 'HGETALL', HLENGTH = 'HLEN', HSIZE = 'HLEN', LENGTH = 'LLEN', SIZE = 'DBSIZE', SCONTAINS = 'SISMEMBER',
    SSIZE = 'SCARD', SLEN = 'SCARD', ZLEN = 'ZCARD', ZSIZE = 'ZCARD', ZDEL = 'ZREM', SDEL = 'SREM', LDEL = 'LREM',
    ZGET = 'ZSCORE', ZGETALL = 'ZRANGE', LGETALL = 'LRANGE', INCREMENT = 'INCR', DECREMENT = 'DECR', EXPIREIN = 'EXPIRE',
    ZREMRANGE = 'ZREMRANGEBYSCORE', ZREVRANGEBYRANK = 'ZREVRANGE', XDELETE = 'XDEL',
}

return {
    severity = 'error',
    summary = 'a command that no server knows',
    why = [[The call fails when the script gets there: "Unknown Redis command called from script" (Redis), "Unknown
command called from script" (Valkey), and what the script wrote before stays. Nothing checks the names when a script
is loaded. The name is one argument, and what belongs to it are others: redis.call('CLIENT ID') is unknown, too.
Names with a dot belong to modules, and are not looked at.]],
    bad = [[return redis.call('HGETT', KEYS[1], 'name')]],
    good = [[return redis.call('HGET', KEYS[1], 'name')]],
    check = function(lint)
        local asked = 0

        local function suggestion(name)
            asked = asked + 1 -- looking at all names takes its time
            local near = MEANT[name] or asked <= 32 and lint.nearest(name)
            return near and (': write %s, if that is meant'):format(near) or ': check how it is spelled'
        end

        return {
            command = function(node, call)
                local first = node.arguments[1]
                local word = first and lint.constant(first)
                if type(word) ~= 'string' or not call.name or call.info or LATER[call.name] then
                    return
                end
                local name = call.name
                if word:find('%s') then
                    local words = {}
                    for part in word:gmatch('%S+') do
                        words[#words + 1] = ("'%s'"):format(part)
                    end
                    lint.report(first, ('`%s` is not the name of a command: write each word as an argument of its own%s')
                        :format(word, #words > 0 and ', ' .. table.concat(words, ', ') or ''))
                elseif word == '' then
                    lint.report(first, 'the name of the command is empty: write which one is meant')
                elseif not word:find('.', 1, true) then
                    local container = name:match('^(%S+) ')
                    if container then
                        lint.report(node.arguments[2], ('%s has no subcommand %s%s'):format(container,
                            name:sub(#container + 2), suggestion(name)))
                    else
                        lint.report(first, ('no server knows a command %s%s'):format(name, suggestion(name)))
                    end
                end
            end,
        }
    end,
}
