local counters = {INCR = true, INCRBY = true, INCRBYFLOAT = true, DECR = true, DECRBY = true, HINCRBY = true,
    HINCRBYFLOAT = true, ZINCRBY = true, HLEN = false}
local expiries = {EXPIRE = true, PEXPIRE = true, EXPIREAT = true, PEXPIREAT = true}

return {
    severity = 'warning',
    summary = 'a counter gets its expiry only when it is new, and that may fail',
    why = [[`if INCR(key) == 1 then EXPIRE …` sets an expiry once in the life of a key. If EXPIRE fails that once, since its argument
is no number, what INCR did stays, the next time the answer is 2, and the key never expires: a limiter that locks out for
good. Check the argument before INCR. And INCRBY answers 1 on a new key only when it adds 1.]],
    bad = [[local n = redis.call('INCR', KEYS[1])
if n == 1 then
    redis.call('EXPIRE', KEYS[1], ARGV[1])
end
return n]],
    good = [[local seconds = tonumber(ARGV[1])
if not seconds or seconds < 1 then
    return redis.error_reply('ERR the period is no number')
end
local n = redis.call('INCR', KEYS[1])
if n == 1 then
    redis.call('EXPIRE', KEYS[1], seconds)
end
return n]],
    check = function(lint)
        if not lint.source:upper():find('EXPIRE', 1, true) then
            return {}
        end

        -- The call that counts, and what a new counter is compared with.
        local function counter_of(condition)
            if condition.kind == 'paren' then
                return counter_of(condition.inner)
            elseif condition.kind ~= 'binary' then
                return nil
            elseif condition.op == 'and' then
                local call, value = counter_of(condition.left)
                if call then
                    return call, value
                end
                return counter_of(condition.right)
            elseif condition.op ~= '==' then
                return nil
            end
            for _, pair in ipairs({{condition.left, condition.right}, {condition.right, condition.left}}) do
                local list, all = lint.sources(pair[1])
                local source = all and #list == 1 and list[1]
                if source and source.kind == 'call' and lint.builtin(source.callee) == 'tonumber' and source.arguments[1] then
                    list, all = lint.sources(source.arguments[1])
                    source = all and #list == 1 and list[1]
                end
                local call = source and source.kind == 'call' and lint.call(source)
                if call and counters[call.name or ''] then
                    return call, pair[2]
                end
            end
        end

        -- Places where an argument is looked at: by its name, or as ARGV[i].
        local looked = {}

        local function note(node)
            if node.kind == 'binary' and (node.op == 'and' or node.op == 'or') then
                return
            end
            lint.walk(node, 'name index function', function(child)
                if child.kind ~= 'function' then
                    looked[lint.text(child)] = looked[lint.text(child)] or child.offset
                end
                return child.kind ~= 'function'
            end)
        end

        local function is_checked(node, before)
            if looked[lint.text(node)] and looked[lint.text(node)] < before then
                return true
            end
            for _, source in ipairs((lint.sources(node))) do
                local inner = source.kind == 'call' and source.arguments[1] or source
                local at = inner and looked[lint.text(inner)]
                if at and at < before then
                    return true
                end
            end
            return false
        end

        -- Straight out of ARGV, or as a number that may be none.
        local function is_doubtful(node)
            local list, all = lint.sources(node)
            if #list ~= 1 or not all and list[1].kind == 'name' then
                return false
            end
            local source = list[1]
            if source.kind == 'call' and lint.builtin(source.callee) == 'tonumber' and source.arguments[1] then
                list = lint.sources(source.arguments[1])
                source = list[1]
            end
            return #list == 1 and source.kind == 'index' and lint.from(source, 'argument') and not lint.from(source, 'computed')
        end

        local function same_key(a, b)
            local first = a.arguments[1]
            return first and b.arguments[1] and lint.text(first) == lint.text(b.arguments[1])
        end

        local function amount_of(call)
            local name = call.name
            if name == 'INCR' then
                return 1
            elseif name == 'INCRBY' or name == 'INCRBYFLOAT' then
                return call.arguments[2] and tonumber((lint.constant(call.arguments[2])))
            elseif name == 'HINCRBY' or name == 'HINCRBYFLOAT' then
                return call.arguments[3] and tonumber((lint.constant(call.arguments[3])))
            elseif name == 'ZINCRBY' then
                return call.arguments[2] and tonumber((lint.constant(call.arguments[2])))
            end
        end

        local function look(clause, call, value)
            local amount, compared = amount_of(call), lint.constant(value)
            lint.walk(clause, 'call function', function(child)
                local expire = child.kind == 'call' and lint.call(child)
                if not expire or not expiries[expire.name or ''] or not same_key(expire, call) or not expire.arguments[2] then
                    return child.kind ~= 'function'
                end
                local time = expire.arguments[2]
                if compared == 1 and call.name ~= 'INCR' and not amount and call.arguments[2] then
                    lint.report(child, string.format('%s answers 1 on a new key only when it adds 1, so that this %s may never '
                        .. 'come: compare with what was added', call.name, expire.name))
                elseif is_doubtful(time) and not is_checked(time, clause.offset) then
                    lint.report(child, string.format('if %s is no number %s fails behind %s, and as this is only tried on a new '
                        .. 'key, it never expires: check %s before %s', lint.quote(time), expire.name, call.name,
                        lint.quote(time), call.name))
                end
            end)
        end

        local function note_all(chunk)
            lint.walk(chunk, 'clause call binary', function(node)
                local kind = node.kind
                if kind == 'clause' then
                    if node.condition then
                        note(node.condition)
                    end
                elseif kind == 'binary' then
                    local op = node.op
                    if op ~= '..' and op ~= 'and' and op ~= 'or' then
                        note(node)
                    end
                elseif lint.builtin(node.callee) == 'assert' or lint.defined(node.callee) then
                    for _, argument in ipairs(node.arguments) do
                        note(argument)
                    end
                end
            end)
        end

        local function expires(clause)
            local found = false
            for _, statement in ipairs(clause.body) do
                lint.walk(statement, 'call', function(child)
                    local call = not found and lint.call(child)
                    found = found or call and expiries[call.name or ''] or false
                end)
            end
            return found
        end

        local chunk, clauses = nil, {}
        return {
            chunk = function(node)
                chunk = node
            end,
            clause = function(node)
                local condition = node.condition
                if condition and condition.kind == 'binary' and condition.op ~= 'or' and #node.body < 10 and expires(node) then
                    clauses[#clauses + 1] = node
                end
            end,
            finish = function()
                local noted = false
                for _, clause in ipairs(clauses) do
                    local call, value = counter_of(clause.condition)
                    if call then
                        if not noted then
                            note_all(chunk)
                            noted = true
                        end
                        look(clause, call, value)
                    end
                end
            end,
        }
    end,
}
