return {
    severity = 'error',
    summary = 'a number is taken for a condition, and 0 is true in Lua',
    why = [[Only nil and false are false in Lua; 0 is true. EXISTS, HEXISTS, SISMEMBER, SETNX, HSETNX, DEL and all others that answer 1
or 0 give a number, so that `if redis.call('EXISTS', key) then` is always taken, and `not redis.call('SETNX', …)` never.
Nor does `if #list then` ask whether there is something in the list.]],
    bad = [[if redis.call('EXISTS', KEYS[1]) then
    return 'there'
end
return 'not there']],
    good = [[if redis.call('EXISTS', KEYS[1]) == 1 then
    return 'there'
end
return 'not there']],
    check = function(lint)
        local arithmetic = {['+'] = true, ['-'] = true, ['*'] = true, ['/'] = true, ['%'] = true, ['^'] = true}

        -- Why it is a number on every path; nil: it may be nothing, or is such a number as nobody takes for an answer.
        local function why(node)
            if node.kind == 'unary' and node.op == '#' then
                return 'a length is a number'
            end
            if not lint.always(node, 'number') then
                return nil
            end
            local command = lint.reply(node)
            if command then
                return command .. ' answers a number'
            end
            local list, all = lint.sources(node)
            if all and #list == 1 and list[1].kind == 'binary' and arithmetic[list[1].op] then
                return 'what is computed is a number'
            end
        end

        -- A value of which nothing counts but whether it is true.
        local function condition(node)
            if node.kind == 'paren' then
                return condition(node.inner)
            elseif node.kind == 'binary' and (node.op == 'and' or node.op == 'or') then
                if node.op == 'or' then -- the left side of an `and` is seen by itself
                    condition(node.left)
                end
                return condition(node.right)
            end
            local reason = why(node)
            if reason then
                lint.report(node, ('%s, and 0 is true as well: write `%s > 0`'):format(reason, lint.quote(node):sub(2, -2)))
            end
        end

        local function tested(node)
            condition(node.condition)
        end

        return {
            clause = function(node)
                if node.condition then
                    condition(node.condition)
                end
            end,
            ['while'] = tested,
            ['repeat'] = tested,
            unary = function(node)
                if node.op == 'not' then
                    condition(node.operand)
                end
            end,
            -- `n or 0` behind a number does no harm.
            binary = function(node)
                if node.op == 'and' then
                    condition(node.left)
                end
            end,
        }
    end,
}
