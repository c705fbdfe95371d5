-- What a key was made of, as far as that was not written in the source: "ARGV and a reply".
local function ingredients(lint, node)
    local names = lint.kind == 'function' and {key = 'the keys', argument = 'the arguments'}
        or {key = 'KEYS', argument = 'ARGV'}
    local list = {}
    for _, origin in ipairs({'key', 'argument', 'reply', 'time'}) do
        if lint.from(node, origin) then
            list[#list + 1] = names[origin] or origin == 'reply' and 'a reply' or 'the clock'
        end
    end
    local last = table.remove(list)
    return #list == 0 and last or table.concat(list, ', ') .. ' and ' .. last
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
        local told = {}

        local function judge(node)
            local known = lint.from(node, 'key', 'argument', 'reply', 'time')
            if not lint.from(node, 'computed') or not known then
                return -- taken as it is, or written in the source: key-from-data and key-literal see to those
            end
            local id = node.kind == 'name' and node.variable and node.variable.id or lint.text(node)
            if told[id] then
                return
            end
            told[id] = true
            local whole = {offset = node.offset, finish = node.finish} -- and not only the `..` in it
            if lint.from(node, 'key') then
                lint.report(whole, ('the key %s is made of %s: a cluster has it in the same place only if they have a '
                    .. 'hash tag, as in `{user:7}:cart`; see to that, or pass this key too'):format(lint.quote(node),
                    ingredients(lint, node)), 'info')
            else
                lint.report(whole, ('the key %s is made of %s, where a cluster cannot see it ahead: put it together '
                    .. 'in the program, and pass it as a key'):format(lint.quote(node), ingredients(lint, node)))
            end
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
