-- What a key was made of, as far as that was not written in the source: "is made of ARGV and a reply".
local function ingredients(lint, node)
    local names = lint.kind == 'function' and {key = 'the keys', argument = 'the arguments'}
        or {key = 'KEYS', argument = 'ARGV'}
    local list = {}
    for _, origin in ipairs({'key', 'argument', 'reply', 'time'}) do
        if lint.from(node, origin) then
            list[#list + 1] = names[origin] or origin == 'reply' and 'a reply' or 'the clock'
        end
    end
    if #list == 0 then
        return 'is put together here'
    end
    local last = table.remove(list)
    return 'is made of ' .. (#list == 0 and last or table.concat(list, ', ') .. ' and ' .. last)
end

-- What a key begins with, through variables: keys of one beginning are one decision, and are told once.
local function beginning(lint, node)
    for _ = 1, 100 do
        if node.kind == 'paren' then
            node = node.inner
        elseif node.kind == 'binary' and node.op == '..' then
            node = node.left
        elseif node.kind == 'call' and node.arguments[1] and lint.builtin(node.callee) == 'string.format' then
            node = node.arguments[1]
        else
            local givers = lint.givers(node)
            if node.kind ~= 'name' or #givers ~= 1 or givers[1].source == node then
                return node.kind == 'name' and node.variable and node.variable.id or lint.text(node)
            end
            node = givers[1].source
        end
    end
    return lint.text(node)
end

return {
    severity = 'warning',
    summary = 'a key that the script puts together instead of getting it in KEYS',
    why = [[A cluster sends a script to the server that has the keys in KEYS, and looks at nothing else. A key that is
put together later may lie on another server; then the call fails in the middle of the script, with "Script
attempted to access a non local key in a cluster node" or "a slot not served", and what was written before stays.
A script with a shebang is also held to the slot of its first key: "Script attempted to access keys that do not
hash to the same slot". Rules on what keys a user may touch are not checked ahead either.
A key made from an element of KEYS lies where that one does only if that one has a hash tag, as in
{user:7}:cart; so it is told as a hint alone.]],
    bad = [[return redis.call('GET', 'user:' .. ARGV[1])]],
    good = [[return redis.call('GET', KEYS[1])]],
    check = function(lint)
        local found, seen = {}, {}

        -- `node` is what is written as the key, `source` an expression that it may come from.
        local function judge(node, source)
            if lint.from(node, 'computed') and lint.from(source, 'computed') and lint.constant(source) == nil then
                found[#found + 1] = {offset = node.offset, finish = node.finish, node = node, source = source}
            end
        end

        local function tell(one)
            local quoted, made = lint.quote(one.node), ingredients(lint, one.source)
            if lint.from(one.source, 'key') then
                lint.report(one, ('the key %s %s: it is where KEYS are only if those have a hash tag, as in '
                    .. '`{user:7}:cart`; see to that, or pass it too'):format(quoted, made), 'info')
            else
                lint.report(one, ('the key %s %s, where a cluster cannot see it ahead: put it together in the program, '
                    .. 'and pass it as a key'):format(quoted, made))
            end
        end

        return {
            command = function(node)
                for _, key in ipairs(lint.keys(node) or {}) do
                    local givers = lint.from(key.node, 'computed') and lint.givers(key.node)
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
                table.sort(found, function(one, other) return one.offset < other.offset end)
                local told = {}
                for _, one in ipairs(found) do
                    local id = beginning(lint, one.source)
                    -- '{' .. KEYS[1] .. '}:x' is where KEYS[1] is.
                    local placed = lint.from(one.source, 'key') and tostring(id):find('{', 1, true)
                    if not told[id] and not placed then
                        told[id] = true
                        tell(one)
                    end
                end
            end,
        }
    end,
}
