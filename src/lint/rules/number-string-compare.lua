local order = {['<'] = true, ['>'] = true, ['<='] = true, ['>='] = true}

return {
    severity = 'error',
    summary = 'a number is compared with a string',
    why = [[What is in ARGV, and what GET, HGET, ZSCORE, TIME and others answer, are strings in a script, digits or not. `<` between
a number and a string is an error at run time ("attempt to compare number with string"), and `==` is false, whatever
the string says: 5 == "5" is false. A default hides it: `redis.call('GET', k) or 0` is a number only as long as there is
no such key.]],
    bad = [[local n = redis.call('GET', KEYS[1]) or 0
if n > 5 then
    return redis.error_reply('LIMIT too many')
end
return n]],
    good = [[local n = tonumber(redis.call('GET', KEYS[1]) or 0)
if n > 5 then
    return redis.error_reply('LIMIT too many')
end
return n]],
    check = function(lint)
        -- Of a variable whose type is asked: what it is on which path is more than is known here.
        local typed, chunk

        local function is_typed(node)
            if not typed then
                typed = {}
                lint.walk(chunk, 'call', function(child)
                    local of = lint.builtin(child.callee) == 'type' and child.arguments[1]
                    if of then
                        typed[lint.text(of)] = true
                    end
                end)
            end
            return typed[lint.text(node)]
        end

        local function tell(node, number, text)
            if is_typed(text) then
                return
            end
            local command = lint.reply(text)
            local index = lint.index(text)
            local list = text.kind == 'index' and lint.reply(text.object)
            local whose = list and string.format('%s, of what %s answers, is a string', lint.quote(text), list)
                or command and string.format('%s answers a string', command)
                or index and lint.from(text, 'argument') and string.format('ARGV[%d] is a string', index)
                or lint.quote(text) .. ' may be a string'
            if command and lint.may(text, 'number') then
                whose = string.format('%s is a string when %s finds something', lint.quote(text), command)
            elseif lint.from(text, 'argument') and lint.may(text, 'number') then
                whose = lint.quote(text) .. ' is a string when it is given'
            end
            local what = order[node.op] and 'comparing it with a number is an error at run time'
                or string.format('with a number it is never %s', node.op == '==' and 'equal' or 'anything but unequal')
            lint.report(node, string.format('%s, and %s: write tonumber(%s)', whose, what, lint.quote(text):sub(2, -2)))
        end

        local function is_number(node)
            return lint.may(node, 'number') and lint.always(node, 'number', 'nil')
        end

        local function is_default(node)
            return node.kind == 'number' and node.parent.kind == 'binary' and node.parent.op == 'or'
        end

        -- A default that is a number, and not the one it is compared with: `(GET or 0) == 5` is never true.
        local function is_other(number, text)
            local wanted = lint.constant(number)
            local list, all = lint.sources(text)
            local some = false
            for _, source in ipairs(list) do
                local value = lint.constant(source)
                if type(value) == 'number' then
                    some = some or is_default(source)
                    if value == wanted then
                        return false
                    end
                elseif not lint.always(source, 'string', 'nil', 'false') then
                    return false
                end
            end
            return all and some and type(wanted) == 'number'
        end

        -- A number by default, and compared with what is always a string.
        local function look_default(node, text, other)
            if order[node.op] or not lint.may(other, 'string') or not lint.always(other, 'string', 'nil', 'false')
                or not lint.may(text, 'number')
            then
                return false
            end
            local list, all = lint.sources(text)
            for _, source in ipairs(all and #list > 1 and list or {}) do
                local value = lint.constant(source)
                if type(value) == 'number' and is_default(source) then
                    lint.report(node, string.format("%s is the number %s by default, and never equal to a string, as %s is: write "
                        .. "'%s'", lint.quote(text), lint.text(source), lint.quote(other), lint.text(source)))
                    return true
                end
            end
        end

        local function look(node, number, text)
            if not is_number(number) or not lint.may(text, 'string', 'number') then
                return false
            elseif not order[node.op] and lint.may(text, 'string', 'number') and is_other(number, text) then
                tell(node, number, text)
                return true
            elseif order[node.op] and lint.may(text, 'string')
                or not order[node.op] and lint.may(text, 'string') and lint.always(text, 'string', 'nil', 'false')
            then
                tell(node, number, text)
                return true
            end
        end

        return {
            chunk = function(node)
                chunk = node
            end,
            binary = function(node)
                local op = node.op
                if order[op] or (op == '==' or op == '~=') and node.right.kind ~= 'nil' then
                    return look(node, node.left, node.right) or look(node, node.right, node.left)
                        or look_default(node, node.left, node.right) or look_default(node, node.right, node.left)
                end
            end,
        }
    end,
}
