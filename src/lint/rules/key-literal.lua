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
        local found, seen = {}, {}

        -- `node` is what is written as the key, `source` an expression that it may come from.
        local function judge(node, source)
            if lint.from(node, 'literal') and (lint.constant(source) ~= nil or lint.from(source, 'literal')
                and not lint.from(source, 'key', 'argument', 'reply', 'time', 'computed')) then
                found[#found + 1] = {node = node, text = lint.constant(source)}
            end
        end

        local function tell(one)
            local text = one.text and #tostring(one.text) <= 40 and ('`%s`'):format(one.text) or lint.quote(one.node)
            lint.report(one.node, ('the key %s is written in the script, and not passed: a cluster does not send the '
                .. 'script to where it is; pass it in %s'):format(text, lint.kind == 'function' and 'the keys' or 'KEYS'))
        end

        return {
            command = function(node)
                for _, key in ipairs(lint.keys(node) or {}) do
                    local givers = lint.from(key.node, 'literal') and lint.givers(key.node)
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
                    local id = one.text and 'the key ' .. one.text or variable and variable.id or lint.text(one.node)
                    if not told[id] then
                        told[id] = true
                        tell(one)
                    end
                end
            end,
        }
    end,
}
