local ATOMIC <const> = 'a script runs as a whole anyway, so leave it out'
local SUBSCRIBE <const> = 'subscribe on a connection of the program; a script can PUBLISH'
local CODE <const> = 'write a local function, or call it from the program'
local CONNECTION <const> = "the connection is the program's: send it from there"

local INSTEAD <const> = {
    MULTI = ATOMIC, EXEC = ATOMIC, DISCARD = ATOMIC, WATCH = ATOMIC, UNWATCH = ATOMIC,
    SUBSCRIBE = SUBSCRIBE, PSUBSCRIBE = SUBSCRIBE, SSUBSCRIBE = SUBSCRIBE, UNSUBSCRIBE = SUBSCRIBE,
    PUNSUBSCRIBE = SUBSCRIBE, SUNSUBSCRIBE = SUBSCRIBE, MONITOR = CONNECTION,
    EVAL = CODE, EVAL_RO = CODE, EVALSHA = CODE, EVALSHA_RO = CODE, FCALL = CODE, FCALL_RO = CODE,
    SCRIPT = CODE, FUNCTION = CODE,
    AUTH = CONNECTION, HELLO = CONNECTION, CLIENT = CONNECTION, QUIT = CONNECTION, RESET = CONNECTION,
}

-- What does the same without waiting.
local AT_ONCE <const> = {
    BLPOP = 'LPOP', BRPOP = 'RPOP', BRPOPLPUSH = 'RPOPLPUSH', BLMOVE = 'LMOVE', BZPOPMIN = 'ZPOPMIN',
    BZPOPMAX = 'ZPOPMAX', BLMPOP = 'LMPOP', BZMPOP = 'ZMPOP',
}

-- Until when servers refused them in scripts. Later ones take them, and do not wait.
local REFUSED <const> = {
    BLPOP = {'redis-7.0'}, BRPOP = {'redis-7.0'}, BRPOPLPUSH = {'redis-7.0'}, BLMOVE = {'redis-7.0'},
    BZPOPMIN = {'redis-7.0'}, BZPOPMAX = {'redis-7.0'}, WAIT = {'redis-7.0'},
    WAITAOF = {'redis-7.2', 'valkey-7.2'},
    XREAD = {'redis-7.0', 'redis-7.2', 'valkey-7.2'}, XREADGROUP = {'redis-7.0', 'redis-7.2', 'valkey-7.2'},
}

return {
    severity = 'error',
    summary = 'a command that servers refuse to run in a script, or that cannot wait there',
    why = [[Commands about the connection, about transactions, subscriptions, scripts and the server's administration are
refused in scripts: "This Redis command is not allowed from script" (Valkey 9: "This Valkey command ..."). What the
script wrote before stays.
Commands that wait (BLPOP, XREAD with BLOCK, WAIT) cannot wait in a script, which holds the whole server: since
Redis 7.2 they answer at once what they would answer when the time is up, and Redis 7.0 refuses them. That is told as
a warning, or as an error if a server that refuses it was named as a target.]],
    bad = [[redis.call('MULTI')
redis.call('INCR', KEYS[1])
return redis.call('EXEC')]],
    good = [[return redis.call('INCR', KEYS[1])]],
    check = function(lint)
        local function waits(call)
            if call.name ~= 'XREAD' and call.name ~= 'XREADGROUP' then
                return call.info.blocking or REFUSED[call.name] ~= nil
            end
            for _, argument in ipairs(call.arguments) do
                local word = lint.constant(argument)
                word = type(word) == 'string' and word:upper()
                if word == 'STREAMS' then
                    return false
                elseif word == 'BLOCK' then
                    return true
                end
            end
            return false
        end

        local function judge_waiting(node, call)
            local refusing = {}
            for _, target in ipairs(REFUSED[call.name] or {}) do
                if lint.targets[target] then
                    refusing[#refusing + 1] = target
                end
            end
            local option = call.name:sub(1, 5) == 'XREAD' and ' with BLOCK' or ''
            local instead = option ~= '' and 'leave BLOCK out' or AT_ONCE[call.name]
                and 'write ' .. AT_ONCE[call.name] or 'send it from the program, after the script'
            if #refusing > 0 then
                lint.report(node, ('%s%s never waits in a script, and %s refuses it there: %s'):format(call.name, option,
                    table.concat(refusing, ', '), instead), lint.target and 'error' or 'warning')
            else
                lint.report(node, ('%s%s never waits in a script, which holds the whole server: %s'):format(call.name,
                    option, instead), 'info')
            end
        end

        return {
            command = function(node, call)
                if not call.name or not call.info then
                    return
                elseif waits(call) then
                    judge_waiting(node, call)
                elseif call.info.noscript then
                    local instead = INSTEAD[call.name:match('^%S+')] or 'send it from the program'
                    lint.report(node, ('%s is not allowed in scripts: %s'):format(call.name, instead))
                end
            end,
        }
    end,
}
