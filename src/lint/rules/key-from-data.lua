-- Commands that take nothing but keys.
local ALL_KEYS <const> = {
    DEL = true, UNLINK = true, EXISTS = true, TOUCH = true, MGET = true, SUNION = true, SINTER = true, SDIFF = true,
}

return {
    severity = 'warning',
    summary = 'a key that comes from ARGV or from a reply instead of KEYS',
    why = [[Only KEYS says which keys a script is going to touch. A cluster sends the script to where those are; a key
that comes in ARGV, or is found in the data, may lie on another server, and then the call fails in the middle
of the script: "Script attempted to access a non local key in a cluster node" or "a slot not served". What was
written before stays.
A key from ARGV can just as well be passed in KEYS. One that is found in the data cannot be known ahead: let the
program read it, pass it in KEYS, and let the script check that it is still the same.]],
    bad = [[return redis.call('DEL', ARGV[1])]],
    good = [[return redis.call('DEL', KEYS[1])]],
    check = function(lint)
        local found, seen = {}, {}

        -- `node` is what is written as the key, `source` an expression that it may come from.
        local function judge(node, source)
            if lint.from(node, 'argument', 'reply') and not lint.from(node, 'key')
                and lint.from(source, 'argument', 'reply') and not lint.from(source, 'computed', 'key') then
                found[#found + 1] = {node = node, reply = lint.from(source, 'reply')}
            end
        end

        local function tell(one)
            local quoted = lint.quote(one.node)
            if one.reply then
                lint.report(one.node, ('the key %s comes from a reply, and a cluster cannot see it ahead: read it first, '
                    .. 'pass it as a key, and check here that it is still the same'):format(quoted))
            else
                lint.report(one.node, ('%s is used as a key, and not passed as one: a cluster does not send the script '
                    .. 'to where it is; pass it in %s'):format(quoted, lint.kind == 'function' and 'the keys' or 'KEYS'))
            end
        end

        -- The table that gives the last arguments, if all of them are keys.
        local function unpacked(call)
            local last = call.arguments[#call.arguments]
            if call.open and last and ALL_KEYS[call.name] and last.kind == 'call'
                and lint.builtin(last.callee) == 'unpack' then
                return last, last.arguments[1]
            end
        end

        return {
            command = function(node, call)
                local last, list = unpacked(call)
                if list and lint.thing(list) == 'ARGV' then
                    found[#found + 1] = {node = last, reply = false}
                elseif list and lint.reply(list) then
                    found[#found + 1] = {node = last, reply = true}
                end
                for _, key in ipairs(lint.keys(node) or {}) do
                    local givers = lint.from(key.node, 'argument', 'reply') and lint.givers(key.node)
                    if givers and not seen[givers] then
                        seen[givers] = true
                        for _, giver in ipairs(givers) do
                            judge(giver.node, giver.source)
                        end
                    end
                end
            end,
            finish = function()
                if lint.flags and lint.flags['no-cluster'] then
                    return
                end
                table.sort(found, function(one, other) return one.node.offset < other.node.offset end)
                local told = {}
                for _, one in ipairs(found) do
                    local variable = one.node.kind == 'name' and one.node.variable
                    local id = variable and variable.id or lint.text(one.node)
                    if not told[id] then
                        told[id] = true
                        tell(one)
                    end
                end
            end,
        }
    end,
}
