-- What several rules ask, said with what the engine tells. Run once for each source; `lint` is the rules'.

return function(lint)
    local given, open, blank, asked, answering, called -- made at the first question: most sources have few

    -- A loop's variables, parameters, and what takes a second result of a call: nobody wrote down their value.
    local function note(names, values)
        for i, name in ipairs(names) do
            local variable = name.kind == 'name' and name.variable
            if variable then
                local value = values[i]
                local last = values[#values]
                if value then
                    given[variable.id] = given[variable.id] or {}
                    table.insert(given[variable.id], value)
                elseif last and (last.kind == 'call' or last.kind == 'method' or last.kind == 'dots') then
                    open[variable.id] = true
                else
                    blank[variable.id] = true
                end
            end
        end
    end

    local function root_of(node)
        local root = node
        for parent in lint.parents(node) do
            root = parent
        end
        return root
    end

    -- Functions that are registered: the second argument, or `callback` of a table.
    local function note_call(node)
        local callee = lint.builtin(node.callee)
        local defined = not callee and lint.defined(node.callee)
        if defined then
            called[defined.offset] = called[defined.offset] or {}
            table.insert(called[defined.offset], node)
        end
        if callee == 'redis.setresp' then
            asked = true
        elseif callee == 'redis.register_function' then
            local func = node.arguments[2] and lint.defined(node.arguments[2])
            local shape = node.arguments[1] and lint.shape(node.arguments[1])
            for _, field in ipairs(shape and shape.made.fields or {}) do
                if field.named and field.key.text == 'callback' then
                    func = lint.defined(field.value)
                end
            end
            if func then
                answering[func.offset] = true
            end
        end
    end

    local function look(node)
        given, open, blank, asked, answering, called = {}, {}, {}, false, {}, {}
        lint.walk(root_of(node), function(child)
            if child.kind == 'local' then
                note(child.names, child.values)
            elseif child.kind == 'assign' then
                note(child.targets, child.values)
            elseif child.kind == 'call' then
                note_call(child)
            elseif child.kind == 'for_number' or child.kind == 'for_in' or child.kind == 'function' then
                local names = child.names or child.parameters or {child.name}
                for _, name in ipairs(names) do
                    if name.variable then
                        open[name.variable.id] = true
                    end
                end
            end
        end)
    end

    -- So many expressions are told for one value, at most; time is to stay linear in the source.
    local MOST <const> = 64

    local function follow(from, list)
        local stack, seen, all = {from}, {}, true
        for _ = 1, 4 * MOST do
            local node = table.remove(stack)
            if not node then
                return all
            end
            local kind = node.kind
            local variable = kind == 'name' and node.variable
            if kind == 'paren' then
                stack[#stack + 1] = node.inner
            elseif kind == 'binary' and (node.op == 'or' or node.op == 'and') then
                stack[#stack + 1] = node.right
                if node.op == 'or' then
                    stack[#stack + 1] = node.left
                end
            elseif not variable then
                list[#list + 1] = node
                all = all and kind ~= 'name'
            elseif not seen[variable.id] then
                local values = given[variable.id]
                seen[variable.id] = true
                list.blank = list.blank or blank[variable.id]
                all = all and not open[variable.id] and (values ~= nil or blank[variable.id] == true)
                if values and #values > MOST then
                    return false
                end
                for i = #(values or {}), 1, -1 do
                    stack[#stack + 1] = values[i]
                end
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
        if not given then
            look(node)
        end
        local list = {}
        return list, follow(node, list)
    end

    local function hand(node, list, seen, depth)
        local variable = node.kind == 'name' and node.variable
        local calls = variable and variable.parameter and variable.writes == 0 and called[variable.func.offset]
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
                    if call.arguments[place] then
                        hand(call.arguments[place], list, seen, depth + 1)
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
        elseif not given then
            look(node)
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

    -- Whether what a `return` gives is what the caller of the script, or of the library's function, is answered.
    function lint.answers(node)
        if not given then
            look(node)
        end
        local func = lint.func(node)
        if func.kind == 'chunk' then
            return lint.kind == 'eval'
        end
        return answering[func.offset] == true
    end

    -- Whether the source asks for replies of RESP3, in which what is missing is nil, and scores are numbers.
    function lint.resp3(node)
        if not given then
            look(node)
        end
        return asked
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
    local done = {} -- by a function's offset: what it always does; false while that is being found out

    -- The writes that a node always does when it is evaluated, behind those in `list`: each has `node`, and `call` if
    -- it is a command there and then, and not in one of the source's own functions.
    local function must_node(node, list)
        lint.walk(node, function(child)
            if child.kind == 'function' then
                return false
            elseif child.kind == 'binary' and (child.op == 'and' or child.op == 'or') then
                must_node(child.left, list)
                return false
            elseif child.kind == 'call' then
                local call = lint.call(child)
                local func = not call and lint.defined(child.callee)
                if call and call.info and call.info.write then
                    list[#list + 1] = {node = child, call = call}
                elseif func and done[func.offset] == nil then
                    done[func.offset] = false
                    local inner = {}
                    must_block(func.body, inner)
                    done[func.offset] = inner
                end
                if func and done[func.offset] and done[func.offset][1] then
                    list[#list + 1] = {node = child}
                end
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
            local inner = {}
            must_block(clause.body, inner)
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
            must_block(node.body, list)
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

    function must_block(body, list)
        for _, node in ipairs(body) do
            must_statement(node, list)
        end
    end

    local function push(before, list, loop)
        for _, write in ipairs(list) do
            before = {node = write.node, call = write.call, loop = loop, next = before, count = (before and before.count or 0) + 1}
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
                {conditions = table.move(conditions, 1, #conditions, 1, {}), before = before, body = clause.body, next = guards})
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
            local inner = {}
            must_block(node.body, inner)
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

    -- Calls visit(statement, before, guards, here) for each statement of the chunk and of every function. `before` is what was
    -- always written when it is reached: the last write, with `next` for the one before it, and `loop` if only an
    -- earlier round of that did it. `guards` are the `if`s it stands in: `conditions` of which the last one holds and
    -- the others do not, `before` as it was there, the `body`, `next`. `here` is a list of what it always writes itself.
    function lint.paths(chunk, visit)
        lint.walk(chunk, function(node)
            if node.kind == 'chunk' or node.kind == 'function' then
                visit_block(node.body, visit, nil, nil)
            end
        end)
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
