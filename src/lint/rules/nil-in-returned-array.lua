return {
    severity = 'warning',
    summary = 'an array that is returned may end early, at a nil',
    why = [[A table that is returned becomes an array of its elements 1, 2, 3… up to the first that is nil: {1, nil, 3} answers one
element. What is behind it is lost, and the caller's fields do not stand where they should. tonumber(…) of a missing
reply, which is false, is nil, too. false in its place answers nil, and the array goes on.]],
    bad = [[local left = tonumber(redis.call('GET', KEYS[1]))
return {left, redis.call('TTL', KEYS[1])}]],
    good = [[local left = tonumber(redis.call('GET', KEYS[1]))
return {left or false, redis.call('TTL', KEYS[1])}]],
    check = function(lint)
        -- What a path through the source gives, but for what only text that is not as it should be would give: then
        -- tonumber and string.match are nil also, and nobody writes a default for each.
        local function why(node)
            local list = lint.sources(node)
            for _, source in ipairs(list) do
                if source.kind == 'nil' then
                    return 'may be nil'
                elseif source.kind == 'call' and lint.builtin(source.callee) == 'tonumber' and source.arguments[1]
                    and lint.may(source.arguments[1], 'nil', 'false')
                then
                    return 'is nil if there is nothing to make a number of'
                end
            end
            return list.blank and 'may be nil' or nil
        end

        local function look(node, depth)
            local shape = depth < 8 and lint.shape(node)
            local elements = {}
            for _, field in ipairs(shape and shape.made.fields or {}) do
                if not field.key then
                    elements[#elements + 1] = field.value
                end
            end
            for i, value in ipairs(elements) do
                local reason = lint.may(value, 'nil') and why(value)
                if reason and value.kind == 'nil' then
                    lint.report(value, string.format('the array that is returned ends at this nil: %d of %d elements are answered; '
                        .. 'write false', i - 1, #elements))
                    return
                elseif reason then
                    lint.report(value, string.format('%s %s, and the array that is returned ends there: %d of %d elements are '
                        .. 'answered; write `%s or false`', lint.quote(value), reason, i - 1, #elements,
                        lint.quote(value):sub(2, -2)))
                    return
                end
                look(value, depth + 1)
            end
        end

        return {
            ['return'] = function(node)
                if lint.answers(node) then
                    for _, value in ipairs(node.values) do
                        look(value, 0)
                    end
                end
            end,
        }
    end,
}
