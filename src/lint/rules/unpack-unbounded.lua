-- Replies that are as long as what is stored. Behind the command: which argument (from the key on) is a last rank, and
-- which word bounds it.
local long = {
    SMEMBERS = {}, HGETALL = {}, HKEYS = {}, HVALS = {}, KEYS = {}, SINTER = {}, SUNION = {}, SDIFF = {},
    SORT = {word = 'LIMIT'}, SORT_RO = {word = 'LIMIT'},
    LRANGE = {last = 3}, ZRANGE = {last = 3, word = 'LIMIT'}, ZREVRANGE = {last = 3},
    ZRANGEBYSCORE = {word = 'LIMIT'}, ZREVRANGEBYSCORE = {word = 'LIMIT'}, ZRANGEBYLEX = {word = 'LIMIT'},
    ZREVRANGEBYLEX = {word = 'LIMIT'}, ZINTER = {}, ZUNION = {}, ZDIFF = {},
}

return {
    severity = 'warning',
    summary = 'unpack of something that may be too long for it',
    why = [[unpack gives at most some 7,990 values: with more it is an error, "too many results to unpack", and what was written before
it stays. That is for as long as there is little in the key; then the script fails each time. Take such a list in
pieces: unpack(list, i, math.min(i + 999, #list)).]],
    bad = [[local members = redis.call('SMEMBERS', KEYS[1])
redis.call('DEL', unpack(members))]],
    good = [[local members = redis.call('SMEMBERS', KEYS[1])
for i = 1, #members, 1000 do
    redis.call('DEL', unpack(members, i, math.min(i + 999, #members)))
end]],
    check = function(lint)
        local measured, grown = {}, {} -- whose length is compared; what grows in loops, by a variable's id: of what

        -- The command that a reply is of if it may be of any length.
        local function command_of(node)
            local list = lint.sources(node)
            local call = #list == 1 and list[1].kind == 'call' and lint.call(list[1])
            local how = call and long[call.name or '']
            if not how then
                return nil
            end
            for i, argument in ipairs(call.arguments) do
                local value = lint.constant(argument)
                if type(value) == 'string' and value:upper() == how.word then
                    return nil
                end
            end
            local first, last = call.arguments[(how.last or 0) - 1], call.arguments[how.last or 0]
            local from, to = first and tonumber((lint.constant(first))), last and tonumber((lint.constant(last)))
            if how.last and not (to and to < 0 and not (from and from < 0)) then
                local by = call.arguments[4] and lint.constant(call.arguments[4])
                if not (call.name == 'ZRANGE' and type(by) == 'string' and by:upper():find('^BY')) then
                    return nil
                end
            end
            return call.name
        end

        -- What a loop goes over: a reply, ARGV or KEYS of any length.
        local function loop_of(node)
            if node.kind == 'for_in' then
                local call = node.values[1]
                local name = call and call.kind == 'call' and lint.builtin(call.callee)
                local list = (name == 'ipairs' or name == 'pairs') and call.arguments[1]
                return list and (command_of(list) or lint.thing(list) == 'ARGV' and 'ARGV')
            elseif node.kind == 'for_number' then
                local to = node.range[2]
                return to and to.kind == 'unary' and to.op == '#' and (command_of(to.operand)
                    or lint.thing(to.operand) == 'ARGV' and 'ARGV') or nil
            end
        end

        local function note_growth(node, list)
            if list.kind ~= 'name' or not list.variable then
                return
            end
            for parent in lint.parents(node) do
                if parent.kind == 'function' then
                    return
                end
                local of = (parent.kind == 'for_in' or parent.kind == 'for_number') and loop_of(parent)
                if of then
                    -- A table that is made in the loop begins anew each time.
                    local declared = list.variable.declared
                    if declared and not (declared.offset > parent.offset and declared.finish <= parent.finish) then
                        grown[list.variable.id] = of
                    end
                    return
                end
            end
        end

        local function look(node)
            local list = node.arguments[1]
            local thing = lint.thing(list)
            local name = list.kind == 'name' and list.variable
            local what, severity
            if measured[lint.text(list)] or thing == 'KEYS' then -- nobody names thousands of keys
                return
            elseif thing == 'ARGV' then
                what, severity = 'is as long as who calls makes it', 'info'
            elseif name and grown[name.id] and (lint.shape(list) or {}).list then
                local of = grown[name.id]
                local theirs = of == 'ARGV'
                what, severity = 'grows with ' .. (theirs and of or 'what ' .. of .. ' answers'), theirs and 'info' or 'warning'
            else
                local command = command_of(list)
                what, severity = command and 'is as long as what ' .. command .. ' finds', 'warning'
            end
            if what then
                lint.report(node, string.format('%s %s, and unpack fails at some 8,000: take it in pieces, '
                    .. 'unpack(%s, i, math.min(i + 999, #%s))', lint.quote(list), what, lint.quote(list):sub(2, -2),
                    lint.quote(list):sub(2, -2)), severity)
            end
        end

        local calls = {}
        return {
            binary = function(node)
                if node.op ~= '..' and node.op ~= 'and' and node.op ~= 'or' then
                    for _, side in ipairs({node.left, node.right}) do
                        local constant = lint.constant(side == node.left and node.right or node.left)
                        if side.kind == 'unary' and side.op == '#' and constant ~= 0 and not ('+-*/%'):find(node.op, 1, true) then
                            measured[lint.text(side.operand)] = true
                        end
                    end
                end
            end,
            assign = function(node)
                for _, target in ipairs(node.targets) do
                    if target.kind == 'index' then
                        note_growth(node, target.object)
                    end
                end
            end,
            call = function(node)
                local name = lint.builtin(node.callee)
                if name == 'table.insert' and node.arguments[1] then
                    note_growth(node, node.arguments[1])
                elseif name == 'unpack' and node.arguments[1] and not node.arguments[3] then
                    calls[#calls + 1] = node
                end
            end,
            finish = function()
                for _, node in ipairs(calls) do
                    look(node)
                end
            end,
        }
    end,
}
