-- What several rules ask, said with what the engine tells. Run once for each source; `lint` is the rules'.

return function(lint)
    local walk, builtin = lint.walk, lint.builtin
    local root, assigned, called, answering, asked -- made at the first question: most sources have few

    local function root_of(node)
        if not root then
            root = node
            for parent in lint.parents(node) do
                root = parent
            end
        end
        return root
    end

    -- By variable: what it is assigned behind its declaration; false for what nobody wrote down, a second result of a
    -- call.
    local function assignments_of(variable, node)
        if not assigned then
            assigned = {}
            walk(root_of(node), 'assign', function(child)
                local values = child.values
                for i, target in ipairs(child.targets) do
                    local id = target.kind == 'name' and target.variable and target.variable.id
                    if id then
                        local list = assigned[id] or {}
                        list[#list + 1] = values[i] or false
                        assigned[id] = list
                    end
                end
            end)
        end
        return assigned[variable.id] or {}
    end

    -- What a variable is made with: a node; or nil, and then `true` if that is nothing.
    local function first_of(variable)
        local declared = variable.declared
        local parent = declared and declared.parent
        if not parent or variable.parameter or variable.loop then
            return nil, false
        elseif parent.kind == 'local_function' then
            return parent.func
        elseif parent.kind ~= 'local' then
            return nil, false
        end
        local values = parent.values
        for i, name in ipairs(parent.names) do
            if name == declared then
                local last = values[#values]
                local open = last and (last.kind == 'call' or last.kind == 'method' or last.kind == 'dots')
                return values[i], not values[i] and not open
            end
        end
    end

    -- So many expressions are told for one value, at most; time is to stay linear in the source.
    local MOST <const> = 64

    -- Puts what a variable may have been given on the stack; false if that is not all.
    local function push_values(variable, node, stack, list)
        local first, blank = first_of(variable)
        local values = variable.writes > 0 and assignments_of(variable, node) or {}
        local all = first ~= nil or blank == true
        list.blank = list.blank or blank
        if #values > MOST then
            return false
        end
        for i = #values, 1, -1 do
            all = all and values[i] ~= false
            stack[#stack + 1] = values[i] or nil
        end
        stack[#stack + 1] = first
        return all
    end

    local function follow(from, list)
        local stack, seen, all = {from}, {}, true
        for _ = 1, 4 * MOST do
            local node = table.remove(stack)
            if not node then
                return all
            end
            local kind = node.kind
            local op = kind == 'binary' and node.op
            local variable = kind == 'name' and node.variable
            if kind == 'paren' then
                stack[#stack + 1] = node.inner
            elseif op == 'or' or op == 'and' then
                stack[#stack + 1] = node.right
                if op == 'or' then
                    stack[#stack + 1] = node.left
                end
            elseif not variable then
                list[#list + 1] = node
                all = all and kind ~= 'name'
            elseif not seen[variable.id] then
                seen[variable.id] = true
                all = push_values(variable, node, stack, list) and all
            end
        end
        return false
    end

    -- Whether a value is but asked for, so that nil does no harm: `x or y`, `if x`, `x == nil`,
    -- type(x).
    function lint.tested(node)
        local parent = node.parent
        if parent.kind == 'paren' then
            return lint.tested(parent)
        end
        local op = parent.op
        return parent.kind == 'binary' and (op == 'or' or op == 'and' or op == '==' or op == '~=')
            or parent.kind == 'unary' and op == 'not' or parent.kind == 'clause'
            or parent.kind == 'call' and parent.callee ~= node and lint.builtin(parent.callee) == 'type'
    end

    -- The expressions that a value may come from, as they are written: names of variables, parentheses, `or` and `and`
    -- are looked through. `blank` in the list says that a variable among them is made without a value. The second result is
    -- false if it may be something else.
    function lint.sources(node)
        local list = {}
        return list, follow(node, list)
    end

    -- The calls of a function of the source.
    local function calls_of(func, node)
        if not called then
            called = {}
            walk(root_of(node), 'call', function(child)
                local defined = lint.defined(child.callee)
                if defined then
                    local list = called[defined] or {}
                    list[#list + 1] = child
                    called[defined] = list
                end
            end)
        end
        return called[func]
    end

    local function hand(node, list, seen, depth)
        local variable = node.kind == 'name' and node.variable
        local calls = variable and variable.parameter and variable.writes == 0 and calls_of(variable.func, node)
        if not calls or depth > MOST then
            list[#list + 1] = node
            return
        elseif seen[variable.id] then
            return -- a function that calls itself
        end
        seen[variable.id] = true
        for place, name in ipairs(variable.func.parameters) do
            if name.variable and name.variable.id == variable.id then
                for _, call in ipairs(calls) do
                    local argument = call.arguments[place]
                    if argument then
                        hand(argument, list, seen, depth + 1)
                    end
                end
            end
        end
    end

    local givers = {} -- by a parameter's id

    -- Where a value is written: an array of `node`, which is the node itself or, if that is a parameter of a local function,
    -- what its calls hand over, and `source`, an expression that node may come from (as lint.sources says; the node once more
    -- if that is not all). Of one parameter it is always the same array.
    function lint.givers(node)
        local id = node.kind == 'name' and node.variable and node.variable.parameter and node.variable.id
        if id and givers[id] then
            return givers[id]
        end
        local handed, list = {}, {}
        hand(node, handed, {}, 0)
        for _, giver in ipairs(handed) do
            local sources, all = lint.sources(giver)
            for _, source in ipairs(sources) do
                list[#list + 1] = {node = giver, source = source}
            end
            if not all then
                list[#list + 1] = {node = giver, source = giver}
            end
        end
        if id then
            givers[id] = list
        end
        return list
    end

    -- Functions that are registered: the second argument, or `callback` of a table.
    local function note_registered(node)
        if builtin(node.callee) ~= 'redis.register_function' then
            return
        end
        local first, second = node.arguments[1], node.arguments[2]
        local func = second and lint.defined(second)
        local shape = first and lint.shape(first)
        for _, field in ipairs(shape and shape.made.fields or {}) do
            if field.named and field.key.text == 'callback' then
                func = lint.defined(field.value)
            end
        end
        if func then
            answering[func] = true
        end
    end

    -- Whether what a `return` gives is what the caller of the script, or of the library's function, is answered.
    function lint.answers(node)
        local func = lint.func(node)
        if func.kind == 'chunk' or lint.kind ~= 'function' then
            return func.kind == 'chunk' and lint.kind == 'eval'
        end
        if not answering then
            answering = {}
            walk(root_of(node), 'call', note_registered)
        end
        return answering[func] == true
    end

    -- Whether the source asks for replies of RESP3, in which what is missing is nil, and scores are numbers.
    function lint.resp3(node)
        if asked == nil then
            asked = false
            if lint.source:find('setresp', 1, true) then
                walk(root_of(node), 'call', function(child)
                    asked = asked or builtin(child.callee) == 'redis.setresp'
                end)
            end
        end
        return asked
    end

    -- The keys that some command before a node has, by their texts: what they hold may be known to be there.
    local first_named

    function lint.is_named(node)
        local here = lint.key_texts(node)
        if not first_named then
            first_named = {}
            walk(root_of(node), 'call', function(child)
                for text in pairs(lint.key_texts(child) or {}) do
                    first_named[text] = first_named[text] or child.offset
                end
            end)
        end
        for text in pairs(here or {}) do
            if first_named[text] < node.offset then
                return true
            end
        end
        return false
    end

    -- What is written there, for a message: on one line, and not too much of it.
    function lint.quote(node)
        local text = lint.text(node):gsub('%s+', ' ')
        if #text > 40 then
            text = text:sub(1, (utf8.offset(text, 0, 38) or 38) - 1) .. '…'
        end
        return '`' .. text .. '`'
    end

    -- ---- what ran before --------------------------------------------------------------------------

    local must_block
    local done = {} -- by function, clause, loop: what its body always does; false while that is being found out

    -- The writes that a node always does when it is evaluated, behind those in `list`: each has `node`, and `call` if
    -- it is a command there and then, and not in one of the source's own functions.
    local function must_node(node, list)
        walk(node, 'call function binary', function(child)
            local kind = child.kind
            if kind == 'function' then
                return false
            elseif kind == 'binary' then
                local op = child.op
                if op == 'and' or op == 'or' then
                    must_node(child.left, list)
                    return false
                end
                return true
            end
            local call = lint.call(child)
            local func = not call and lint.defined(child.callee)
            if call and call.info and call.info.write then
                list[#list + 1] = {node = child, call = call}
            elseif func and must_block(func)[1] then
                list[#list + 1] = {node = child}
            end
        end)
    end

    local function is_error(node)
        if node.kind ~= 'call_statement' or node.call.kind ~= 'call' then
            return false
        elseif lint.builtin(node.call.callee) == 'error' then
            return true
        end
        local func = lint.defined(node.call.callee)
        local last = func and func.body[#func.body]
        return last ~= nil and last.kind == 'call_statement' and last.call.kind == 'call'
            and lint.builtin(last.call.callee) == 'error'
    end

    local function leaves(body)
        local last = body[#body]
        return last ~= nil and (last.kind == 'return' or last.kind == 'break' or is_error(last))
    end

    local function must_if(node, list)
        must_node(node.clauses[1].condition, list)
        local shortest
        for _, clause in ipairs(node.clauses) do
            local inner = must_block(clause)
            if not leaves(clause.body) and (not shortest or #inner < #shortest) then
                shortest = inner
            end
        end
        if shortest and not node.clauses[#node.clauses].condition then
            table.move(shortest, 1, #shortest, #list + 1, list)
        end
    end

    local function must_statement(node, list)
        local kind = node.kind
        if kind == 'do' or kind == 'repeat' then
            local inner = must_block(node)
            table.move(inner, 1, #inner, #list + 1, list)
        elseif kind == 'if' then
            must_if(node, list)
        elseif kind == 'while' then
            must_node(node.condition, list)
        elseif kind == 'for_in' then
            for _, value in ipairs(node.values) do
                must_node(value, list)
            end
        elseif kind ~= 'for_number' and kind ~= 'function_statement' and kind ~= 'local_function' then
            must_node(node, list)
        end
    end

    function must_block(owner)
        if done[owner] == nil then
            done[owner] = false
            local list = {}
            for _, node in ipairs(owner.body) do
                must_statement(node, list)
            end
            done[owner] = list
        end
        return done[owner] or {}
    end

    local function push(before, list, loop)
        for _, write in ipairs(list) do
            local next = {node = write.node, call = write.call, loop = loop, next = before}
            next.first = before and before.first or not loop and next or nil
            before = next
        end
        return before
    end

    local visit_block

    local function visit_if(node, visit, before, guards)
        local inner = {}
        must_node(node.clauses[1].condition, inner)
        before = push(before, inner)
        local conditions = {}
        for _, clause in ipairs(node.clauses) do
            conditions[#conditions + 1] = clause.condition
            visit_block(clause.body, visit, before,
                {conditions = conditions, count = #conditions, before = before, body = clause.body, next = guards})
        end
        return before
    end

    local function visit_statement(node, visit, before, guards)
        local kind, list = node.kind, {}
        must_statement(node, list)
        visit(node, before, guards, list)
        if kind == 'if' then
            visit_if(node, visit, before, guards)
        elseif kind == 'do' then
            return visit_block(node.body, visit, before, guards)
        elseif kind == 'while' or kind == 'repeat' or kind == 'for_in' or kind == 'for_number' then
            local inner = must_block(node)
            visit_block(node.body, visit, push(before, inner, node), guards)
        end
        return push(before, list)
    end

    function visit_block(body, visit, before, guards)
        for _, node in ipairs(body) do
            before = visit_statement(node, visit, before, guards)
        end
        return before
    end

    -- Calls visit(statement, before, guards, here) for each statement of a function or the chunk, without those of functions in
    -- it. `before` is what was always written when it is reached: the last write, with `next` for the one before it, and
    -- `loop` if only an earlier round of that did it; `first`, the first that no loop did. `guards` are the `if`s it stands in: of their `conditions` the one of number
    -- `count` holds, and those before it do not; `before` as it was there, the `body`, `next`. `here` is a list of what it always
    -- writes itself.
    function lint.paths(func, visit)
        visit_block(func.body, visit, nil, nil)
    end

    lint.raises, lint.leaves = is_error, leaves

    -- The texts of the keys of a command; nil: they are not all known.
    function lint.key_texts(node)
        local keys = lint.keys(node)
        local texts = keys and {}
        for _, key in ipairs(keys or {}) do
            texts[lint.text(key.node)] = true
        end
        return texts
    end
end
