-- Commands that fail by what is stored, types apart; which of their words is the key that it depends on.
local failing = {
    RENAME = 'there is no such key', RENAMENX = 'there is no such key', LSET = 'there is no such element',
    XREADGROUP = 'there is no such group', XCLAIM = 'there is no such group', XAUTOCLAIM = 'there is no such group',
    ['XGROUP CREATE'] = 'the group is there', ['XGROUP SETID'] = 'there is no such group',
    ['XGROUP CREATECONSUMER'] = 'there is no such group',
}
local function names_failing(source)
    source = source:upper()
    for name in pairs(failing) do
        if source:find(name:match('%u+'), 1, true) then
            return true
        end
    end
    return false
end

-- What nobody has to take back.
local harmless = {EXPIRE = true, PEXPIRE = true, EXPIREAT = true, PEXPIREAT = true, TOUCH = true, PERSIST = true}

return {
    severity = 'warning',
    summary = 'behind a write comes an error that could have been known before it',
    why = [[Nothing is rolled back when a script ends with an error: what it wrote before stays, and who called believes that nothing
was done, or does it all again. So what can be checked is checked first, and written last. In a loop that checks and
writes each key, the first keys are written when a later one is refused: check in one loop, write in another.]],
    bad = [[redis.call('DECRBY', KEYS[1], ARGV[1])
if redis.call('EXISTS', KEYS[2]) == 0 then
    return redis.error_reply('NOUSER there is no such user')
end
redis.call('RPUSH', KEYS[2], ARGV[1])]],
    good = [[if redis.call('EXISTS', KEYS[2]) == 0 then
    return redis.error_reply('NOUSER there is no such user')
end
redis.call('DECRBY', KEYS[1], ARGV[1])
redis.call('RPUSH', KEYS[2], ARGV[1])]],
    check = function(lint)
        if not lint.source:find('err', 1, true) and not lint.source:find('assert', 1, true) and not names_failing(lint.source) then
            return {}
        end
        local depends
        local commands = {} -- by function: whether it calls any

        local function has_commands(func)
            local found = commands[func]
            if found == nil then
                found = false
                lint.walk(func, 'call', function(child)
                    found = found or lint.call(child) ~= nil or lint.defined(child.callee) ~= nil
                    return not found
                end)
                commands[func] = found
            end
            return found
        end

        -- Whether a key is another one in each round of a loop.
        local function varies(key, loop)
            local found = false
            lint.walk(key, function(child)
                local declared = child.kind == 'name' and child.variable and child.variable.declared
                found = found or declared and declared.offset > loop.offset and declared.finish <= loop.finish
            end)
            return found
        end

        local texts_of = {} -- by call; of writes in loops those alone that are the same in each round

        local function write_texts(write)
            local texts = write.texts
            if texts == nil then
                texts = lint.key_texts(write.node) or false
                for _, key in ipairs(texts and write.loop and lint.keys(write.node) or {}) do
                    texts[lint.text(key.node)] = not varies(key.node, write.loop) or nil
                end
                write.texts = texts
            end
            return texts
        end

        local function share_keys(node, write)
            local a, b = texts_of[node], write_texts(write)
            if a == nil then
                a = lint.key_texts(node) or false
                texts_of[node] = a
            end
            if not a or not b then
                return true
            end
            for text in pairs(a) do
                if b[text] then
                    return true
                end
            end
            return false
        end

        local function depends_call(node, write)
            local call = lint.call(node)
            if call then
                return not call.info or call.info.write or share_keys(node, write)
            end
            local func = lint.defined(node.callee)
            return func and has_commands(func) or not func and not lint.builtin(node.callee)
        end

        local patience -- how much is looked at for one error

        -- Whether a value may be another one because of a write: then it cannot be looked at before.
        function depends(node, write, depth)
            patience = patience - 1
            local found = depth > 6 or patience < 0
            lint.walk(node, 'call method name function', function(child)
                if found or child.kind == 'function' then
                    return false
                elseif child.kind == 'call' then
                    found = depends_call(child, write)
                elseif child.kind == 'method' then
                    found = true
                elseif child.kind == 'name' and child.variable and child.parent.kind ~= 'local' then
                    local list, all = lint.sources(child)
                    found = not all and lint.from(child, 'reply')
                    for _, source in ipairs(list) do
                        found = found or source.kind ~= 'function' and depends(source, write, depth + 1)
                    end
                end
                return not found
            end)
            return found
        end

        -- The first of the last writes that nothing in the conditions depends on.
        local function free_write(before, conditions, count)
            local found
            patience = 10
            while before do
                if not before.call then
                    return found
                end
                for i = 1, count do
                    if depends(conditions[i], before, 0) then
                        return found
                    end
                end
                if not harmless[before.call.name or ''] then
                    found = before
                end
                before = before.next
            end
            return found
        end

        local function writes_in(body, node)
            local found = false
            for _, statement in ipairs(body) do
                if statement.offset < node.offset then
                    lint.walk(statement, 'call', function(child)
                        local call = not found and lint.call(child)
                        local func = not found and not call and lint.defined(child.callee)
                        found = found or call and call.info and call.info.write or func and has_commands(func) or false
                        return not found
                    end)
                end
            end
            return found
        end

        local function tell(node, write, what)
            lint.report(node, string.format('%s comes behind %s in line %d%s, which stays: %s', what, write.call.name or 'the write',
                write.node.line, write.loop and ', in an earlier round' or '',
                write.loop and 'check all in a loop of its own first' or 'check this before it'))
        end

        local left = 1000 -- errors that are judged: more of them nobody reads

        local function look_error(node, what, guard)
            left = left - 1
            local write = guard and left > 0 and not writes_in(guard.body, node) and free_write(guard.before, guard.conditions, guard.count)
            if write then
                tell(node, write, what)
            end
        end

        local function is_error_table(node)
            if node.kind == 'call' and lint.builtin(node.callee) == 'redis.error_reply' then
                return true
            end
            for _, field in ipairs(node.kind == 'table' and node.fields or {}) do
                if field.named and field.key.text == 'err' then
                    return true
                end
            end
            return false
        end

        local read = {} -- keys that were asked about

        local function look_call(node, before)
            local call = lint.call(node)
            local texts = call and lint.key_texts(node)
            local reason = call and not call.protected and call.name and failing[call.name]
            while before and before.call and harmless[before.call.name or ''] do
                before = before.next
            end
            if reason and before and before.call and texts then
                local first = lint.keys(node)[1]
                if not first or read[lint.text(first.node)] then
                    return
                end
                lint.report(node, string.format('%s fails when %s, behind %s in line %d, which stays: ask before that, or take '
                    .. 'redis.pcall and look at `err`', call.name, reason, before.call.name or 'a write', before.node.line))
            end
            for text in pairs(texts or {}) do
                read[text] = true
            end
        end

        -- What a statement evaluates itself, without the statements in it.
        local function parts_of(node)
            local parts = {}
            if node.kind == 'if' then
                for _, clause in ipairs(node.clauses) do
                    parts[#parts + 1] = clause.condition
                end
            elseif node.kind == 'while' or node.kind == 'repeat' then
                parts[1] = node.condition
            elseif node.kind == 'for_in' then
                return node.values
            elseif node.kind == 'local' or node.kind == 'assign' or node.kind == 'call_statement' or node.kind == 'return' then
                parts[1] = node
            end
            return parts
        end

        local function visit(node, before, guards)
            if node.kind == 'return' and lint.answers(node) and node.values[1] and is_error_table(node.values[1]) then
                look_error(node, 'this error', guards)
            elseif lint.raises(node) then
                look_error(node, 'this error', guards)
            elseif node.kind == 'call_statement' and node.call.kind == 'call' and lint.builtin(node.call.callee) == 'assert'
                and node.call.arguments[1]
            then
                local write = free_write(before, node.call.arguments, 1)
                if write then
                    tell(node, write, 'assert')
                end
            end
            for _, part in ipairs(parts_of(node)) do
                lint.walk(part, 'call function', function(child)
                    if child.kind == 'function' then
                        return false
                    end
                    look_call(child, before)
                end)
            end
        end

        -- Functions in which an error may come about; the others are not gone through.
        local function functions_of(chunk)
            local list, seen = {}, {}
            lint.walk(chunk, 'call return', function(node)
                local found
                if node.kind == 'call' then
                    local name = lint.builtin(node.callee)
                    local call = lint.call(node)
                    found = name == 'error' or name == 'assert' or call and failing[call.name or '']
                        or not name and lint.defined(node.callee) and lint.raises(node.parent)
                else
                    local value = node.values[1]
                    found = value and is_error_table(value)
                end
                local func = found and lint.func(node)
                if func and not seen[func] then
                    seen[func] = true
                    list[#list + 1] = func
                end
            end)
            return list
        end

        return {
            chunk = function(node)
                for _, func in ipairs(functions_of(node)) do
                    lint.paths(func, visit)
                end
            end,
        }
    end,
}
