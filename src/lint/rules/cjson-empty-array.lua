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
    bad = [[return cjson.encode(redis.call('SMEMBERS', KEYS[1]))]],
    good = [[local members = redis.call('SMEMBERS', KEYS[1])
return #members > 0 and cjson.encode(members) or '[]']],
    check = function(lint)
        local asked = {} -- whose length or first element is looked at

        -- Why it may be an empty list; nil: it is none, or has something in it.
        local function why(node)
            local command = lint.reply(node)
            local shape = lint.shape(node)
            if asked[lint.text(node)] then
                return nil
            elseif lists[command] then
                return string.format('is empty when %s finds nothing', command)
            elseif shape and shape.whole and shape.list and not shape.fields and not shape.made.fields[1] then
                return 'may be empty'
            end
        end

        local function look(node, depth)
            local reason = why(node)
            local shape = depth < 8 and lint.shape(node)
            if reason then
                lint.report(node, string.format("%s %s, and cjson.encode writes {} then, not []: write `#list > 0 and "
                    .. "cjson.encode(list) or '[]'`", lint.quote(node), reason))
            end
            for _, field in ipairs(shape and shape.made.fields or {}) do
                look(field.value, depth + 1)
            end
        end

        local calls = {}
        return {
            unary = function(node)
                if node.op == '#' and node.parent.kind == 'binary' and not ('+-*/..'):find(node.parent.op, 1, true) then
                    asked[lint.text(node.operand)] = true
                end
            end,
            index = function(node)
                local above = node.parent.kind
                if lint.constant(node.key) == 1 and (above == 'clause' or above == 'unary' or above == 'binary') then
                    asked[lint.text(node.object)] = true
                end
            end,
            call = function(node)
                local name = lint.builtin(node.callee)
                if name == 'next' and node.arguments[1] then
                    asked[lint.text(node.arguments[1])] = true
                elseif name == 'cjson.encode' and node.arguments[1] then
                    calls[#calls + 1] = node
                end
            end,
            finish = function()
                for _, node in ipairs(calls) do
                    look(node.arguments[1], 0)
                end
            end,
        }
    end,
}
