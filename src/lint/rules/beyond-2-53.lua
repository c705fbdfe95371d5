return {
    severity = 'warning',
    summary = 'a number may be beyond 2^53, where it is not exact',
    why = [[Numbers of a script are doubles: whole numbers are exact up to 2^53, 9007199254740992. Beyond it neighbours are one and the
same: 9007199254740993 is 9007199254740992, without an error. Ids, counters of 64 bits and nanoseconds belong in
strings; the server adds them exactly (INCRBY, HINCRBY), compares ids, and does not make numbers of them. A large
number given to a command becomes text like "1e+17" on Redis 7.0, and "1e+20" on all, which INCRBY refuses.]],
    bad = [[redis.call('SET', KEYS[1], 9007199254740993)]],
    good = [[redis.call('SET', KEYS[1], '9007199254740993')]],
    check = function(lint)
        -- Digits of a whole number as the double says them; nil if these are not the digits that are written.
        local function is_exact(text, number)
            local digits = text:match('^0*(%d+)$')
            return not digits or string.format('%.0f', number) == digits
        end

        local has_time = lint.source:upper():find('TIME', 1, true)

        local function is_huge(node)
            local _, huge = lint.number(node)
            return huge
        end

        local estimate
        local patience -- how many values are followed for one

        local function estimate_one(node, depth)
            local value = lint.constant(node)
            if type(value) == 'number' then
                return math.abs(value)
            elseif node.kind == 'binary' and (node.op == '+' or node.op == '-' or node.op == '*' or node.op == '/') then
                local left, right = estimate(node.left, depth), estimate(node.right, depth)
                if node.op == '*' then
                    return left * right
                elseif node.op == '/' then
                    return right > 0 and left / right or 0
                end
                return node.op == '+' and math.max(left, right) or type(lint.constant(node.right)) == 'number' and left - right or 0
            elseif node.kind == 'call' and node.arguments[1] then
                local name = lint.builtin(node.callee)
                return (name == 'math.floor' or name == 'math.ceil' or name == 'tonumber') and estimate(node.arguments[1], depth) or 0
            elseif node.kind == 'index' and lint.reply(node.object) == 'TIME' then
                return lint.constant(node.key) == 1 and 1.8e9 or 0
            end
            return 0
        end

        -- How large a number is that is made of the seconds of TIME; 0: who knows.
        function estimate(node, depth)
            local most = 0
            patience = patience - 1
            if depth < 12 and patience > 0 and lint.from(node, 'time', 'literal') then
                for _, source in ipairs((lint.sources(node))) do
                    most = math.max(most, estimate_one(source, depth + 1))
                end
            end
            return most
        end

        -- Seconds, milliseconds and so on, times something.
        local function is_long_time(node)
            patience = 50
            return has_time and node.op == '*' and lint.from(node, 'time') and estimate_one(node, 0) > 2 ^ 53
                and estimate(node.left, 0) <= 2 ^ 53 and estimate(node.right, 0) <= 2 ^ 53
        end

        local arithmetic = {['+'] = true, ['-'] = true, ['*'] = true, ['^'] = true}

        return {
            number = function(node)
                if node.number < 2 ^ 53 then
                    return
                end
                local text = lint.text(node)
                local hex = text:match('^0[xX](%x+)$')
                if not is_exact(text, node.number) or hex and #hex:gsub('^0+', '') > 13 and node.number > 2 ^ 53 then
                    lint.report(node, string.format('%s is beyond 2^53, and becomes %.0f: write it as a string', text,
                        node.number))
                end
            end,
            call = function(node)
                local arguments = node.arguments
                local first = #arguments == 1 and arguments[1]
                local text = first and (first.kind == 'string' or first.kind == 'name')
                    and lint.builtin(node.callee) == 'tonumber' and lint.constant(first)
                if type(text) == 'string' and tonumber(text) and not is_exact(text, tonumber(text) + 0.0) then
                    lint.report(node, string.format('%s is beyond 2^53, and becomes %.0f: leave it a string', text,
                        tonumber(text) + 0.0))
                end
            end,
            binary = function(node)
                local op = node.op
                if arithmetic[op] and (op == '*' or is_huge(node)) and not lint.constant(node) and (is_huge(node) and not is_huge(node.left)
                    and not is_huge(node.right) or is_long_time(node))
                then
                    lint.report(node, lint.quote(node) .. ' may be beyond 2^53, where numbers are not exact: keep to smaller '
                        .. 'units, or let the server do it (INCRBY, HINCRBY)')
                end
            end,
        }
    end,
}
