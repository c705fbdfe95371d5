-- So many keys are compared with all that follow: time is to stay linear in the source.
local FIRST <const> = 8

-- What a key begins with, as far as it is written in the source; true if that is all of it.
local function beginning(lint, node, depth)
    local constant = lint.constant(node)
    if type(constant) == 'string' or type(constant) == 'number' then
        return tostring(constant), true
    end
    local sources, all = lint.sources(node)
    local source = all and #sources == 1 and sources[1]
    if not source or depth > 50 or source.kind ~= 'binary' or source.op ~= '..' then
        return nil
    end
    local left, whole = beginning(lint, source.left, depth + 1)
    if not left or not whole then
        return left, false
    end
    return left .. (beginning(lint, source.right, depth + 1) or ''), false
end

-- The branches a key's node is in: by where the `if` begins, the clause.
local function clauses(lint, key)
    if not key.clauses then
        key.clauses = {}
        for parent in lint.parents(key.node) do
            if parent.kind == 'clause' then
                key.clauses[parent.parent.offset] = parent
            end
        end
    end
    return key.clauses
end

-- Whether no run comes by both: they are in two branches of one `if`, or the first is in one that returns.
local function apart(lint, first, second)
    local mine = clauses(lint, second)
    for offset, clause in pairs(clauses(lint, first)) do
        local other = mine[offset]
        if other ~= clause and (other or lint.leaves(clause.body)) then
            return true
        end
    end
    return false
end

return {
    severity = 'warning',
    summary = 'two keys written in one script lie in different slots of a cluster',
    why = [[A cluster spreads keys by a checksum of their names, or of what stands between the first { and the } after it.
Keys of two slots are mostly on two servers, and a script runs on one: the call on the other key fails in the middle
of the script ("Script attempted to access a non local key in a cluster node" or "a slot not served"). A script
with a shebang is refused the second slot even where both are on the same server: "Script attempted to access keys
that do not hash to the same slot".]],
    bad = [[redis.call('DEL', 'cart:7')
return redis.call('INCR', 'orders')]],
    good = [[redis.call('DEL', KEYS[1])
return redis.call('INCR', KEYS[2])]],
    check = function(lint)
        if lint.flags and (lint.flags['no-cluster'] or lint.flags['allow-cross-slot-keys']) then
            return {}
        end
        local keys = {}

        return {
            command = function(node)
                for _, key in ipairs(lint.keys(node) or {}) do
                    local text, whole
                    if lint.from(key.node, 'literal') then
                        text, whole = beginning(lint, key.node, 0)
                    end
                    local tag = text and text:match('^[^{]*{([^}]+)}')
                    if text and (whole or tag) then
                        keys[#keys + 1] = {node = key.node, text = text .. (whole and '' or '...'),
                            slot = lint.slot(tag or text), func = lint.func(key.node)}
                    end
                end
            end,
            finish = function()
                local told = {}
                for i, key in ipairs(keys) do
                    for j = 1, math.min(i - 1, FIRST) do
                        local first = keys[j]
                        -- Functions of a library are called one at a time.
                        local together = lint.kind == 'eval' or first.func.offset == key.func.offset
                        if together and first.slot ~= key.slot and not told[key.text]
                            and not apart(lint, first, key) then
                            told[key.text] = true
                            lint.report(key.node, ('the keys `%s` and `%s` lie in slots %d and %d, and a script can '
                                .. 'use one: give both the same hash tag, as in `{app}:%s`'):format(first.text,
                                key.text, first.slot, key.slot, key.text:match('^[%w_-]+') or 'x'))
                        end
                    end
                end
            end,
        }
    end,
}
