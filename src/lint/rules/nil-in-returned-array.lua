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
        local function is_named(node)
            for _, argument in ipairs(node.arguments) do
                for _, source in ipairs((lint.sources(argument))) do
                    if source.kind == 'call' and lint.is_named(source) then
                        return true
                    end
                end
            end
            return false
        end

        -- Whether it is used in the block in which it is declared: in another one a condition may say that it is there.
        local function is_beside(variable, node)
            local statement
            for parent in lint.parents(node) do
                if parent.kind == 'return' then
                    statement = parent
                    break
                end
            end
            return statement and variable.declared and statement.parent == variable.declared.parent.parent
        end

        -- What a path through the source gives, but for what only text that is not as it should be would give: then
        -- tonumber and string.match are nil also, and nobody writes a default for each.
        local function why(node)
            local variable = node.kind == 'name' and node.variable
            local list = lint.sources(node)
            local source = #list == 1 and not (variable and variable.writes > 0) and list[1]
            if source and source.kind == 'call' and lint.builtin(source.callee) == 'tonumber' and source.arguments[1]
                and lint.may(source.arguments[1], 'nil', 'false') and not is_named(source)
            then
                return 'is nil if there is nothing to make a number of'
            end
            for _, each in ipairs(list) do
                list.blank = list.blank or each.kind == 'nil'
            end
            return list.blank and variable and is_beside(variable, node) and 'may be nil' or nil
        end

        local function look(node, depth)
            local kind = node.kind
            local shape = (kind == 'table' or kind == 'name' or kind == 'call') and depth < 8 and lint.shape(node)
            local elements = {}
            for _, field in ipairs(shape and shape.made.fields or {}) do
                if not field.key then
                    elements[#elements + 1] = field.value
                end
            end
            for i, value in ipairs(elements) do
                local reason = lint.may(value, 'nil') and (value.kind == 'nil' and 'is nil' or why(value))
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
