-- Commands that answer lists, and may answer empty ones.
local lists = {}
for name in ([[SMEMBERS HKEYS HVALS KEYS SINTER SUNION SDIFF SORT LRANGE ZRANGE ZREVRANGE ZRANGEBYSCORE ZREVRANGEBYSCORE
    ZRANGEBYLEX ZREVRANGEBYLEX ZINTER ZUNION ZDIFF XRANGE XREVRANGE]]):gmatch('%S+') do
    lists[name] = true
end

return {
    severity = 'warning',
    summary = 'cjson.encode of a list that may be empty: it becomes {}, not []',
    why = [[A table without elements does not tell whether it is a list, and cjson.encode writes an object: cjson.encode({}) is "{}".
Whoever reads it expects an array, and meets an object on the day when nothing was found. The servers' cjson has no
setting for this (no empty_array, no array_mt).]],
    bad = [[return cjson.encode(redis.call('LRANGE', KEYS[1], 0, 9))]],
    good = [[local latest = redis.call('LRANGE', KEYS[1], 0, 9)
return #latest > 0 and cjson.encode(latest) or '[]']],
    check = function(lint)
        if not lint.source:find('cjson', 1, true) then
            return {}
        end
        local grown, seen = {}, {} -- by a variable's id: lists that are its fields, and grow
        local asked = {} -- whose length or first element is looked at
        local filled = {} -- by a variable's id: where something goes into it in any case

        -- Why it may be an empty list; nil: it is none, or has something in it.
        local function why(node, argument)
            local command = lint.reply(node)
            local shape = lint.shape(node)
            local since = node.kind == 'name' and node.variable and filled[node.variable.id]
            if asked[lint.text(node)] or since and since < argument.offset then
                return nil
            elseif lists[command] then
                return string.format('is empty when %s finds nothing', command)
            elseif shape and shape.list and not shape.fields and not shape.made.fields[1] then
                return 'may be empty'
            end
        end

        local later = {} -- by a variable's id: what its fields are given behind its making

        local told = {}

        local function tell(node, what, reason)
            if not told[node.offset] then
                told[node.offset] = true
                lint.report(node, string.format("%s %s, and cjson.encode writes {} then, not []: write `#list > 0 and "
                    .. "cjson.encode(list) or '[]'`", what, reason))
            end
        end

        local function look(node, argument, depth)
            local reason = why(node, argument)
            local shape = depth < 8 and lint.shape(node)
            local variable = node.kind == 'name' and node.variable
            local inside = node.offset >= argument.offset and node.finish <= argument.finish
            for _, field in ipairs(variable and grown[variable.id] or {}) do
                if not asked[lint.text(field)] then
                    tell(argument, lint.quote(field), 'may be empty')
                end
            end
            if reason then
                tell(inside and node or argument, lint.quote(node), reason)
            end
            for _, field in ipairs(shape and shape.made.fields or {}) do
                look(field.value, argument, depth + 1)
            end
            for _, value in ipairs(variable and depth < 8 and later[variable.id] or {}) do
                look(value, argument, depth + 1)
            end
        end

        local branches = {clause = true, ['while'] = true, ['repeat'] = true, for_number = true, for_in = true,
            ['function'] = true}

        -- Something is put into a list: in any case, if no branch lies between that and where the list is declared.
        local function note_filled(node, list)
            local declared = list.kind == 'name' and list.variable and list.variable.declared
            if not declared or filled[list.variable.id] then
                return
            end
            for parent in lint.parents(node) do
                if parent.offset <= declared.offset and declared.finish <= parent.finish then
                    filled[list.variable.id] = node.offset
                    return
                elseif branches[parent.kind] then
                    return
                end
            end
        end

        -- t.list[#t.list + 1] = v: a list that is a field.
        local function note_growth(list)
            local of = list.kind == 'index' and list.named and list.object
            if of and of.kind == 'name' and of.variable and lint.shape(of) and not seen[lint.text(list)] then
                seen[lint.text(list)] = true
                grown[of.variable.id] = grown[of.variable.id] or {}
                table.insert(grown[of.variable.id], list)
            end
        end

        local function note(node)
            local kind = node.kind
            if kind == 'unary' then
                if node.op == '#' and node.parent.kind == 'binary' and not ('+-*/..'):find(node.parent.op, 1, true) then
                    asked[lint.text(node.operand)] = true
                end
            elseif kind == 'index' then
                local above = node.parent.kind
                if (above == 'clause' or above == 'unary' or above == 'binary') and lint.constant(node.key) == 1 then
                    asked[lint.text(node.object)] = true
                end
            elseif kind == 'call' then
                local name, first = lint.builtin(node.callee), node.arguments[1]
                if name == 'table.insert' and first then
                    note_growth(first)
                    note_filled(node, first)
                elseif name == 'next' and first then
                    asked[lint.text(first)] = true
                end
            else
                for i, target in ipairs(node.targets) do
                    local of = target.kind == 'index' and target.object
                    if of and target.named and of.kind == 'name' and of.variable then
                        later[of.variable.id] = later[of.variable.id] or {}
                        table.insert(later[of.variable.id], node.values[i])
                    elseif of and target.key.kind == 'binary' and target.key.op == '+' then
                        note_growth(of)
                        note_filled(node, of)
                    end
                end
            end
        end

        local calls, chunk = {}, nil
        return {
            chunk = function(node)
                chunk = node
            end,
            call = function(node)
                if lint.builtin(node.callee) == 'cjson.encode' and node.arguments[1] then
                    calls[#calls + 1] = node
                end
            end,
            finish = function()
                if calls[1] then
                    lint.walk(chunk, 'unary index call assign', note)
                end
                for _, node in ipairs(calls) do
                    look(node.arguments[1], node.arguments[1], 0)
                end
            end,
        }
    end,
}
