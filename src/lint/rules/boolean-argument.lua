local words = {['nil'] = 'nil', ['false'] = 'false', ['true'] = 'true', table = 'a table', ['function'] = 'a function',
    userdata = 'cjson.null'}

return {
    severity = 'error',
    summary = 'an argument of redis.call is neither a string nor a number',
    why = [[Arguments of redis.call and redis.pcall are strings and numbers. With anything else the call is an error: "Lua redis lib
command arguments must be strings or integers" (Valkey: "Command arguments must be strings or integers"). What a reply
gives when there is nothing is false, and so not an argument either; a table is not taken apart.]],
    bad = [[return redis.call('DEL', KEYS)]],
    good = [[for i = 1, #KEYS do
    redis.call('DEL', KEYS[i])
end]],
    check = function(lint)
        local types = {'nil', 'true', 'false', 'table', 'function', 'userdata'}
        local doubts = {} -- told at the end, if nobody asks

        local function found(node)
            local list = {}
            for _, name in ipairs(types) do
                if lint.may(node, name) then
                    list[#list + 1] = words[name]
                end
            end
            return list
        end

        -- What may be nothing for a plain reason: a reply that is false, put in as it is or by a local that is assigned
        -- once; or a local that has its value from an `if` and is used behind it. What else may be nil is nil together
        -- with something that is asked about, or of text that is no number: who knows.
        local function is_plain(node)
            local variable = node.kind == 'name' and node.variable
            if variable and variable.captured then
                return false
            end
            local list, all = lint.sources(node)
            if variable and list.blank then
                local statement, block = variable.declared.parent, node
                for parent in lint.parents(node) do
                    block = parent
                    if parent.kind == 'call_statement' or parent.kind == 'local' or parent.kind == 'assign' or parent.kind == 'return' then
                        break
                    end
                end
                return block.parent == statement.parent
            end
            local source = #list == 1 and all and list[1]
            local call = source and source.kind == 'call' and lint.call(source)
            if not call or variable and variable.writes > 0 then
                return false
            end
            return not lint.is_named(source)
        end

        -- The same, at once, of what most are not: assigned more than once.
        local function may_be_plain(node)
            local variable = node.kind == 'name' and node.variable
            if not variable or variable.writes == 0 then
                return true
            end
            local parent = variable.declared and variable.declared.parent
            return parent ~= nil and parent.kind == 'local' and not parent.values[1]
        end

        local function advice(node, list)
            if list[1] == 'a table' then
                local shape = lint.shape(node)
                return lint.thing(node) and 'write unpack(…) of it' or shape and shape.fields
                    and 'name its fields, or cjson.encode(…) it' or 'write unpack(…), or cjson.encode(…) it'
            elseif list[1] == 'true' or list[#list] == 'true' then
                return "write `… and '1' or '0'`"
            end
            return 'ask first whether it is there, or give a default with `or`'
        end

        local function tell(node, list, always)
            lint.report(node, string.format('%s %s %s, and arguments of a command are strings or numbers: %s', lint.quote(node),
                always and 'is' or 'may be', table.concat(list, ' or '), advice(node, list)), always and 'error' or 'warning')
        end

        local may, always = lint.may, lint.always

        local function look(node)
            local kind = node.kind
            if kind == 'string' or kind == 'number' or not may(node, 'nil', 'true', 'false', 'table', 'function', 'userdata') then
                return
            end
            if always(node, 'nil', 'true', 'false', 'table', 'function', 'userdata') then
                tell(node, found(node), true)
            elseif may_be_plain(node) and is_plain(node) then
                doubts[#doubts + 1] = {node, found(node)}
            end
        end

        local tested = {} -- variables that are asked about somewhere

        local function test(node)
            while node and (node.kind == 'paren' or node.kind == 'unary') do
                node = node.inner or node.operand
            end
            if node and node.kind == 'name' and node.variable then
                tested[node.variable.id] = true
            end
        end

        local function look_for_tests(chunk)
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

        local chunk
        return {
            chunk = function(node)
                chunk = node
            end,
            command = function(_, call)
                local arguments = call.arguments
                for i = 1, #arguments - (call.open and 1 or 0) do
                    look(arguments[i])
                end
            end,
            finish = function()
                if doubts[1] then
                    look_for_tests(chunk)
                end
                for _, each in ipairs(doubts) do
                    local variable = each[1].kind == 'name' and each[1].variable
                    if not (variable and tested[variable.id]) then
                        tell(each[1], each[2], false)
                    end
                end
            end,
        }
    end,
}
