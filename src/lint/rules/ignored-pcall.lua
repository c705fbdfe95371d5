-- So everybody sees to it that a group is there, or is not.
local usual = {['XGROUP CREATE'] = true, ['XGROUP DESTROY'] = true}

return {
    severity = 'warning',
    summary = 'the answer of pcall is thrown away, and an error with it',
    why = [[redis.pcall answers an error as a table with the field `err`, and Lua's pcall as false and a message. Who does not look goes
on as if the command had been done: OOM, WRONGTYPE, NOPERM and a wrong number of arguments all go unnoticed. If an
error should end the script, redis.call does that.]],
    bad = [[redis.pcall('HSET', KEYS[1], 'state', 'done')
return redis.call('LREM', KEYS[2], 1, ARGV[1])]],
    good = [[local reply = redis.pcall('HSET', KEYS[1], 'state', 'done')
if type(reply) == 'table' and reply.err then
    return reply
end
return redis.call('LREM', KEYS[2], 1, ARGV[1])]],
    check = function(lint)
        if not lint.source:find('pcall', 1, true) then
            return {}
        end

        -- Of redis.pcall its command, of pcall(redis.call, …) as well; nil: it is neither, or an own function's.
        local function what_of(node)
            local call = node.kind == 'call' and lint.call(node)
            if call then
                return call.protected and 'redis.pcall(' .. (call.name or '…') .. ')'
            elseif node.kind == 'call' and lint.builtin(node.callee) == 'pcall' and node.arguments[1] then
                local inner = lint.builtin(node.arguments[1])
                return (inner == 'redis.call' or lint.defined(node.arguments[1])) and 'pcall'
            end
        end

        -- Variables that hold nothing but the answer of a redis.pcall, until somebody might see its error.
        local held, list = {}, {}

        local function hold(names, i, value)
            local variable = names[i].variable
            local what = value and what_of(value)
            if what and variable.writes == 0 and not variable.captured then
                local entry = {node = value, what = what, variable = variable, seen = false}
                held[variable.id] = entry
                list[#list + 1] = entry
                local other = what == 'pcall' and names[i + 1]
                entry.seen = other and (other.variable.reads > 0 or other.variable.writes > 0)
            end
        end

        local conditions = {clause = true, ['while'] = true, ['repeat'] = true}

        -- Whether this use of the name can be one in which the error is seen.
        local function shows(node)
            local child, parent = node, node.parent
            while parent.kind == 'paren' do
                child, parent = parent, parent.parent
            end
            if parent.kind == 'index' then
                return child ~= parent.object or not parent.named or parent.key.text == 'err'
            elseif parent.kind == 'unary' then
                return false
            elseif parent.kind == 'binary' then
                return parent.op == 'or' or parent.op == 'and'
            end
            return not conditions[parent.kind]
        end

        local function is_declaration(node)
            local parent = node.parent
            return parent.kind == 'local'
        end

        local function note(node)
            local entry = node.variable and held[node.variable.id]
            if entry and not is_declaration(node) and (entry.what == 'pcall' or shows(node)) then
                entry.seen = true
            end
        end

        local chunk
        return {
            chunk = function(node)
                chunk = node
            end,
            call_statement = function(node)
                local what = what_of(node.call)
                local call = what and lint.call(node.call)
                if what and not (call and usual[call.name or '']) then
                    lint.report(node.call, what .. ' fails without anybody noticing: look at `err` of what it answers, or take '
                        .. 'redis.call')
                end
            end,
            ['local'] = function(node)
                for i in ipairs(node.names) do
                    hold(node.names, i, node.values[i])
                end
            end,
            finish = function()
                if list[1] then
                    lint.walk(chunk, 'name', note)
                end
                for _, entry in ipairs(list) do
                    if not entry.seen then
                        lint.report(entry.node, string.format('%s may fail, and nobody asks: look at %s', entry.what,
                            entry.what == 'pcall' and '`' .. entry.variable.name .. '`' or '`' .. entry.variable.name .. '.err`'))
                    end
                end
            end,
        }
    end,
}
