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
        local told = {}

        local function tell(node, origin)
            local id = node.kind == 'name' and node.variable and node.variable.id or lint.text(node)
            if told[id] then
                return
            end
            told[id] = true
            if origin == 'reply' then
                lint.report(node, ('the key %s comes from a reply, and a cluster cannot see it ahead: read it first, '
                    .. 'pass it as a key, and check here that it is still the same'):format(lint.quote(node)))
            else
                lint.report(node, ('%s is used as a key, and not passed as one: a cluster does not send the script '
                    .. 'to where it is; pass it in %s'):format(lint.quote(node),
                    lint.kind == 'function' and 'the keys' or 'KEYS'))
            end
        end

        local function judge(node)
            if not lint.from(node, 'computed', 'key') and lint.from(node, 'argument', 'reply') then
                tell(node, lint.from(node, 'reply') and 'reply' or 'argument')
            end
        end

        return {
            command = function(node, call)
                if lint.flags and lint.flags['no-cluster'] then
                    return
                end
                local last = call.arguments[#call.arguments]
                if call.open and last and ALL_KEYS[call.name] and last.kind == 'call'
                    and lint.builtin(last.callee) == 'unpack' and last.arguments[1]
                    and lint.thing(last.arguments[1]) == 'ARGV' then
                    tell(last, 'argument')
                end
                for _, key in ipairs(lint.keys(node) or {}) do
                    for _, giver in ipairs(lint.handed(key.node)) do
                        judge(giver)
                    end
                end
            end,
        }
    end,
}
