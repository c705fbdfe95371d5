-- Names that mean something in an answer.
local known = {ok = true, err = true, double = true, map = true, set = true, big_number = true, verbatim_string = true}

return {
    severity = 'warning',
    summary = 'a table with named fields is returned, and they are not answered',
    why = [[Of a table that is returned only the elements 1, 2, 3… are answered: {count = 1} is an empty array. The names that mean
something are ok and err (a status, an error), double, big_number and verbatim_string, and map and set, which hold
such a table; then nothing but that is answered.]],
    bad = [[return {count = redis.call('LLEN', KEYS[1])}]],
    good = [[return {'count', redis.call('LLEN', KEYS[1])}]],
    check = function(lint)
        local told, chunk = {}, nil

        local function tell(node, names)
            if not told[node.offset] then
                told[node.offset] = true
                lint.report(node, string.format('`%s` %s not answered: of a table that is returned only the elements 1, 2, 3… '
                    .. "are; write {'%s', …} or cjson.encode(…)", table.concat(names, '`, `'), #names > 1 and 'are' or 'is', names[1]))
            end
        end

        local later -- by a variable's id: names of fields that it is given behind its making

        local function later_of(variable)
            if not later then
                later = {}
                lint.walk(chunk, 'assign', function(node)
                    for _, target in ipairs(node.targets) do
                        local of = target.kind == 'index' and target.named and target.object
                        local id = of and of.kind == 'name' and of.variable and of.variable.id
                        if id then
                            later[id] = later[id] or {}
                            table.insert(later[id], target.key.text)
                        end
                    end
                end)
            end
            return later[variable.id] or {}
        end

        local function look(node, depth)
            local kind = node.kind
            local shape = (kind == 'table' or kind == 'name' or kind == 'call') and depth < 8 and lint.shape(node)
            if not shape then
                return
            end
            local variable = node.kind == 'name' and node.variable
            local names = {}
            for _, field in ipairs(shape.made.fields) do
                if field.named then
                    names[#names + 1] = field.key.text
                elseif not field.key then
                    look(field.value, depth + 1)
                end
            end
            for _, name in ipairs(shape.fields and variable and later_of(variable) or {}) do
                names[#names + 1] = name
            end
            for _, name in ipairs(names) do
                if known[name] then
                    return -- it is what is answered
                end
            end
            if names[1] then
                tell(node, names)
            end
        end

        return {
            chunk = function(node)
                chunk = node
            end,
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
