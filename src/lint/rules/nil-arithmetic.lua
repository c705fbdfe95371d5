local arithmetic = {['+'] = 'arithmetic with', ['-'] = 'arithmetic with', ['*'] = 'arithmetic with', ['/'] = 'arithmetic with',
    ['%'] = 'arithmetic with', ['^'] = 'arithmetic with', ['<'] = 'comparing', ['>'] = 'comparing', ['<='] = 'comparing',
    ['>='] = 'comparing', ['..'] = 'joining'}

return {
    severity = 'warning',
    summary = 'something is computed with a reply that may not be there',
    why = [[GET, HGET, ZSCORE and others answer false when there is nothing, and tonumber of that is nil. Arithmetic, `..` and `<`
with either are an error ("attempt to perform arithmetic on a nil value") on the day when the key is missing or has expired;
what the script wrote before stays.]],
    bad = [[local n = tonumber(redis.call('GET', KEYS[1]))
return n + 1]],
    good = [[local n = tonumber(redis.call('GET', KEYS[1]) or 0)
return n + 1]],
    check = function(lint)
        local doubts, tested, chunk = {}, nil, nil

        -- The call whose reply it is, as it is or by tonumber, put in directly or by a local that is assigned once.
        local function reply_of(node)
            local variable = node.kind == 'name' and node.variable
            if variable and (variable.writes > 0 or variable.captured) then
                return nil
            end
            local list, all = lint.sources(node)
            local source = #list == 1 and all and not list.blank and list[1]
            if not source or source.kind ~= 'call' then
                return nil
            elseif lint.builtin(source.callee) == 'tonumber' and source.arguments[1] then
                return reply_of(source.arguments[1])
            end
            return lint.call(source) and source
        end

        local function test(node)
            while node and (node.kind == 'paren' or node.kind == 'unary') do
                node = node.inner or node.operand
            end
            if node and node.kind == 'name' and node.variable then
                tested[node.variable] = true
            end
        end

        local function look_for_tests()
            tested = {}
            lint.walk(chunk, 'clause while repeat binary', function(node)
                local op = node.kind == 'binary' and node.op
                if op == 'and' or op == 'or' or op == '==' or op == '~=' then
                    test(node.left)
                    test(node.right)
                elseif not op then
                    test(node.condition)
                end
            end)
        end

        -- A variable on the way that somebody asks about.
        local function is_tested(node)
            local found = false
            while node do
                while node.kind == 'paren' do
                    node = node.inner
                end
                local variable = node.kind == 'name' and node.variable
                found = found or variable and tested[variable]
                local source = variable and lint.sources(node)[1] or node
                node = source.kind == 'call' and lint.builtin(source.callee) == 'tonumber' and source.arguments[1] or nil
            end
            return found
        end

        local function look(node, operand)
            if not lint.may(operand, 'nil', 'false') or not lint.from(operand, 'reply') then
                return
            end
            local call = reply_of(operand)
            if call and lint.may(call, 'false') and not lint.is_named(call) then
                doubts[#doubts + 1] = {node = node, operand = operand, call = call}
            end
        end

        return {
            chunk = function(node)
                chunk = node
            end,
            binary = function(node)
                if arithmetic[node.op] then
                    look(node, node.left)
                    look(node, node.right)
                end
            end,
            finish = function()
                if doubts[1] then
                    look_for_tests()
                end
                for _, each in ipairs(doubts) do
                    if not is_tested(each.operand) then
                        local text = lint.quote(each.operand)
                        local command = lint.call(each.call)
                        local what = lint.may(each.operand, 'nil') and 'nil' or 'false'
                        lint.report(each.operand, string.format("%s is %s when %s finds nothing, and %s that is an error: write "
                            .. "`%s`", text, what, command.name or 'the command', arithmetic[each.node.op],
                            what == 'nil' and 'tonumber(… or 0)' or each.node.op == '..' and "(… or '')" or '(… or 0)'))
                    end
                end
            end,
        }
    end,
}
