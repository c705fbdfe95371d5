local scores = {ZSCORE = 'info', ZINCRBY = 'info', INCRBYFLOAT = 'warning', HINCRBYFLOAT = 'warning', GEODIST = 'warning'}
local fractions = {['math.sqrt'] = true, ['math.exp'] = true, ['math.log'] = true, ['math.log10'] = true}
local through = {['math.max'] = true, ['math.min'] = true, ['math.abs'] = true}

return {
    severity = 'warning',
    summary = 'a number with a fraction is returned, and the fraction is cut off',
    why = [[A number in a script's answer becomes an integer: `return 3.7` answers 3, and so does each number in an array that is
returned; -3.7 becomes -3. Nothing is rounded, and nobody is told. A string arrives as it is, and so does a
table {double = 3.7}, as a number with RESP3.]],
    bad = [[local tokens = tonumber(redis.call('GET', KEYS[1]) or '0')
return tokens / 60]],
    good = [[local tokens = tonumber(redis.call('GET', KEYS[1]) or '0')
return tostring(tokens / 60)]],
    check = function(lint)
        local fraction
        local patience -- how many values are followed for one

        -- A half of a list's length is whole if who wrote it thinks so, and (a - a % b) / b is.
        local function division(node)
            local left = node.left
            while left.kind == 'paren' do
                left = left.inner
            end
            if left.kind == 'unary' and left.op == '#' and lint.constant(node.right) then
                return nil
            elseif left.kind == 'binary' and left.op == '-' and left.right.kind == 'binary' and left.right.op == '%'
                and lint.text(left.right.right) == lint.text(node.right)
            then
                return nil
            end
            return 'warning'
        end

        local function call(node, depth)
            local name = lint.builtin(node.callee)
            if name == 'tonumber' and node.arguments[1] then
                return scores[lint.reply(node.arguments[1]) or '']
            elseif fractions[name] or name == 'math.random' and not node.arguments[1] then
                return 'warning'
            elseif through[name] then
                for _, argument in ipairs(node.arguments) do
                    local severity = fraction(argument, depth + 1)
                    if severity then
                        return severity
                    end
                end
            end
        end

        local function one(node, depth)
            if lint.constant(node) then
                local value = lint.constant(node)
                return type(value) == 'number' and value % 1 ~= 0 and 'warning' or nil
            elseif node.kind == 'binary' and node.op == '/' then
                return division(node)
            elseif node.kind == 'binary' and (node.op == '+' or node.op == '-' or node.op == '*' or node.op == '%') then
                return fraction(node.left, depth + 1) or fraction(node.right, depth + 1)
            elseif node.kind == 'unary' and node.op == '-' then
                return fraction(node.operand, depth + 1)
            elseif node.kind == 'call' then
                return call(node, depth)
            end
        end

        -- How bad it is that its fraction is lost; nil: it has none that is known.
        function fraction(node, depth)
            patience = patience - 1
            if depth > 8 or patience < 0 or lint.number(node) == 'whole' then
                return nil
            end
            for _, source in ipairs((lint.sources(node))) do
                local severity = one(source, depth)
                if severity then
                    return severity
                end
            end
        end

        local function look(node, depth)
            local kind = node.kind
            if kind == 'string' then
                return
            end
            local shape = (kind == 'table' or kind == 'name' or kind == 'call') and lint.shape(node)
            if shape and depth < 8 then
                for _, field in ipairs(shape.made.fields) do
                    if not field.key then
                        look(field.value, depth + 1)
                    end
                end
                return
            end
            patience = 400
            local severity = lint.may(node, 'number') and fraction(node, 0)
            if severity then
                lint.report(node, lint.quote(node) .. ' may have a fraction, which is cut off in an answer (3.7 becomes 3): '
                    .. 'return tostring(…) of it, or math.floor(…) if that is meant', severity)
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
