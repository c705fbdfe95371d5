-- Replies that are as long as what is stored. Behind the command: which argument (from the key on) is a last rank, and
-- which word bounds it.
local long = {
    SMEMBERS = {}, HGETALL = {}, HKEYS = {}, HVALS = {}, KEYS = {}, SINTER = {}, SUNION = {}, SDIFF = {},
    SORT = {word = 'LIMIT'}, SORT_RO = {word = 'LIMIT'},
    LRANGE = {last = 3}, ZRANGE = {last = 3, word = 'LIMIT'}, ZREVRANGE = {last = 3},
    ZRANGEBYSCORE = {word = 'LIMIT'}, ZREVRANGEBYSCORE = {word = 'LIMIT'}, ZRANGEBYLEX = {word = 'LIMIT'},
    ZREVRANGEBYLEX = {word = 'LIMIT'}, ZINTER = {}, ZUNION = {}, ZDIFF = {},
}

local order = {['<'] = true, ['>'] = true, ['<='] = true, ['>='] = true, ['=='] = true, ['~='] = true}

return {
    severity = 'warning',
    summary = 'unpack of something that may be too long for it',
    why = [[unpack gives at most some 7,990 values: with more it is an error, "too many results to unpack", and what was written before
it stays. That is for as long as there is little in the key; then the script fails each time. Take such a list in
pieces: unpack(list, i, math.min(i + 999, #list)).]],
    bad = [[local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if #due > 0 then
    redis.call('RPUSH', KEYS[2], unpack(due))
end]],
    good = [[local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 1000)
if #due > 0 then
    redis.call('RPUSH', KEYS[2], unpack(due))
end]],
    check = function(lint)
        if not lint.source:find('unpack', 1, true) then
            return {}
        end
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

        local function note(node)
            local kind = node.kind
            if kind == 'unary' then
                local above = node.parent
                if node.op == '#' and above.kind == 'binary' and order[above.op] then
                    local other = above.left == node and above.right or above.left
                    if lint.constant(other) ~= 0 then
                        measured[lint.text(node.operand)] = true
                    end
                end
            elseif kind == 'call' then
                if lint.builtin(node.callee) == 'table.insert' and node.arguments[1] then
                    note_growth(node, node.arguments[1])
                end
            else
                for _, target in ipairs(node.targets) do
                    if target.kind == 'index' then
                        note_growth(node, target.object)
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
                if lint.builtin(node.callee) == 'unpack' then
                    local arguments = node.arguments
                    if arguments[1] and not arguments[3] then
                        calls[#calls + 1] = node
                    end
                end
            end,
            finish = function()
                if calls[1] then
                    lint.walk(chunk, 'unary call assign', note)
                end
                for _, node in ipairs(calls) do
                    look(node)
                end
            end,
        }
    end,
}
