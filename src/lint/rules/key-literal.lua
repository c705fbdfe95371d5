return {
    severity = 'warning',
    summary = 'a key that is written in the script instead of being passed in KEYS',
    why = [[A cluster sends a script to the server that has the keys in KEYS. A key that stands in the source lies where
its own slot is, which is that server by luck alone; elsewhere the call fails in the middle of the script, with
"Script attempted to access a non local key in a cluster node" or "a slot not served", and what was written before
stays. The same script cannot be used for a second set of data either.]],
    bad = [[return redis.call('INCR', 'visits')]],
    good = [[return redis.call('INCR', KEYS[1])]],
    check = function(lint)
        local told = {}

        local function judge(node)
            if not lint.from(node, 'literal') or lint.from(node, 'key', 'argument', 'reply', 'time') then
                return
            end
            local constant = lint.constant(node)
            local id = constant and 'the key ' .. tostring(constant)
                or node.kind == 'name' and node.variable and node.variable.id or lint.text(node)
            if told[id] then
                return
            end
            told[id] = true
            local text = constant and #tostring(constant) <= 40 and ('`%s`'):format(constant) or lint.quote(node)
            lint.report(node, ('the key %s is written in the script, and not passed: a cluster does not send the '
                .. 'script to where it is; pass it in %s'):format(text, lint.kind == 'function' and 'the keys' or 'KEYS'))
        end

        return {
            command = function(node)
                if lint.flags and lint.flags['no-cluster'] then
                    return
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
