-- Fields and values come in pairs behind so many words.
local PAIRS <const> = {HSET = 2, HMSET = 2, MSET = 1, MSETNX = 1}

return {
    severity = 'error',
    summary = 'a command with too few or too many arguments',
    why = [[The server compares how many words a call has with what the command takes, when the script gets there:
"Wrong number of args calling Redis command from script" (Redis), "Wrong number of args calling command from script"
(Valkey), or of pairs that do not come out even "wrong number of arguments for 'hset' command". What the script wrote
before stays. Where unpack or a function of the script gives the last arguments, only calls that have too many already
are told.]],
    bad = [[return redis.call('HGET', KEYS[1])]],
    good = [[return redis.call('HGET', KEYS[1], 'name')]],
    check = function(lint)
        local function plural(n)
            return ('%d argument%s'):format(n, n == 1 and '' or 's')
        end

        return {
            command = function(node, call)
                local info = call.info
                if not call.name or not info then
                    return
                end
                local name_words = select(2, info.name:gsub('%S+', '')) -- CLIENT KILL: two
                local arity = info.arity
                local given, least = call.words - name_words, math.abs(arity) - name_words
                if info.container and name_words == 1 then
                    if call.words < 2 and not call.open and arity < -1 then -- COMMAND does without
                        lint.report(node, ('%s lacks its subcommand: write it as the second argument'):format(call.name))
                    end
                elseif arity > 0 and given > least then
                    lint.report(node, ('%s takes %s, and is given %d: leave out what is too much'):format(info.name,
                        plural(least), given))
                elseif given < least and not call.open then
                    lint.report(node, ('%s takes %s%s, and is given %d: add what is missing'):format(info.name,
                        arity < 0 and 'at least ' or '', plural(least), given))
                elseif PAIRS[info.name] and not call.open and (call.words - PAIRS[info.name]) % 2 == 1 then
                    lint.report(node, ('%s takes pairs, and the last argument has no other half: add its value')
                        :format(info.name))
                end
            end,
        }
    end,
}
