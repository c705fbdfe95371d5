-- What a table of a script means by its name; the first that is there is all that is answered.
local known = {ok = 'string', err = 'string', double = 'number', map = 'table', set = 'table', big_number = 'string',
    verbatim_string = 'table'}

return {
    severity = 'warning',
    summary = 'a table with named fields is returned, and they are not answered',
    why = [[Of a table that is returned only the elements 1, 2, 3… are answered: {count = 1} is an empty array. The names that mean
something are ok and err (a status, an error), double, big_number and verbatim_string, and map and set, which hold
such a table; then nothing but that is answered.]],
    bad = [[return {count = redis.call('LLEN', KEYS[1])}]],
    good = [[return {'count', redis.call('LLEN', KEYS[1])}]],
    check = function(lint)
        local told = {}

        local function tell(node, name, value)
            if not told[node.offset] then
                told[node.offset] = true
                lint.report(node, string.format('`%s` is not answered: of a table that is returned only the elements 1, 2, 3… '
                    .. "are; write {'%s', %s} or cjson.encode(…)", name, name, value))
            end
        end

        local function look(node, depth)
            local shape = depth < 8 and lint.shape(node)
            if not shape then
                return
            end
            for _, field in ipairs(shape.made.fields) do
                local name = field.named and field.key.text
                if name and known[name] then
                    return -- it is what is answered; judged by nobody, since RESP3 has more of it than we know
                end
            end
            for _, field in ipairs(shape.made.fields) do
                if field.named then
                    tell(field, field.key.text, lint.quote(field.value):sub(2, -2))
                elseif not field.key then
                    look(field.value, depth + 1)
                end
            end
        end

        -- Fields that are put in later: `t.count = 1`, then `return t`.
        local later = {}
        local function look_later(node)
            local name = node.kind == 'name' and node.variable
            if name and later[name.id] and lint.shape(node) and lint.shape(node).fields then
                for _, target in ipairs(later[name.id]) do
                    if known[target.key.text] then
                        return
                    end
                end
                local target = later[name.id][1]
                tell(target, target.key.text, '…')
            end
        end

        local returned = {}
        return {
            assign = function(node)
                for _, target in ipairs(node.targets) do
                    local of = target.kind == 'index' and target.named and target.object
                    if of and of.kind == 'name' and of.variable then
                        later[of.variable.id] = later[of.variable.id] or {}
                        table.insert(later[of.variable.id], target)
                    end
                end
            end,
            ['return'] = function(node)
                if lint.answers(node) then
                    for _, value in ipairs(node.values) do
                        look(value, 0)
                        returned[#returned + 1] = value
                    end
                end
            end,
            finish = function()
                for _, value in ipairs(returned) do
                    look_later(value)
                end
            end,
        }
    end,
}
