-- Servers count them as writes in scripts, since they are passed on to replicas.
local PASSED_ON <const> = {PUBLISH = true, SPUBLISH = true, PFCOUNT = true}

return {
    severity = 'error',
    summary = 'a command that writes, in a script or function that promised not to (no-writes)',
    why = [[With the flag no-writes, every command that may write is refused: "Write commands are not allowed from read-only
scripts." That goes by the command's name and not by what it does: SORT without STORE and BITFIELD with nothing but GET
are refused too, and so are PUBLISH, SPUBLISH and PFCOUNT, which replicas are told of.]],
    bad = [[#!lua flags=no-writes
return redis.call('INCR', KEYS[1])]],
    good = [[#!lua flags=no-writes
return redis.call('GET', KEYS[1])]],
    check = function(lint)
        local function judge(node, call, promise, told)
            if not call.name or not call.info or told[node.offset] then
                return
            elseif call.info.write or PASSED_ON[call.name] then
                told[node.offset] = true
                local read_only = lint.info(call.name .. '_RO')
                lint.report(node, ('%s is refused as a write, and %s no-writes: %s'):format(call.name, promise,
                    read_only and 'write ' .. call.name .. '_RO' or 'drop the flag, or the command'))
            end
        end

        if lint.kind == 'eval' then
            if not lint.flags or not lint.flags['no-writes'] then
                return {}
            end
            local told = {}
            return {
                command = function(node, call)
                    judge(node, call, 'the shebang says', told)
                end,
            }
        end

        local told, seen = {}, {}

        -- The value of a field of a table that is written in the source.
        local function field(made, wanted)
            for _, one in ipairs(made.fields) do
                if one.key and lint.constant(one.key) == wanted then
                    return one.value
                end
            end
        end

        local function made_table(node)
            local shape = node and lint.shape(node)
            return shape and shape.made or node and node.kind == 'table' and node or nil
        end

        local function promises(flags)
            for _, one in ipairs(flags and flags.fields or {}) do
                local flag = lint.constant(one.value)
                if type(flag) == 'string' and flag:lower() == 'no-writes' then
                    return true
                end
            end
            return false
        end

        -- What a call goes on to, if that is a function of the source.
        local function target(node)
            local defined = lint.defined(node.callee)
            local builtin = not defined and lint.builtin(node.callee)
            if (builtin == 'pcall' or builtin == 'xpcall') and node.arguments[1] then
                defined = lint.defined(node.arguments[1])
            end
            return defined
        end

        -- Judges what is done in a function, and in those that it calls.
        local function visit(first, promise)
            local waiting = {first}
            for func in function() return table.remove(waiting) end do
                if not seen[func.offset] then
                    seen[func.offset] = true
                    lint.walk(func, 'call function', function(node)
                        if node.kind == 'function' and node.offset ~= func.offset then
                            return false -- judged if it is called
                        elseif node.kind == 'call' then
                            local call = lint.call(node)
                            if call then
                                judge(node, call, promise, told)
                            else
                                waiting[#waiting + 1] = target(node)
                            end
                        end
                    end)
                end
            end
        end

        return {
            call = function(node)
                if lint.builtin(node.callee) ~= 'redis.register_function' then
                    return
                end
                local made = made_table(node.arguments[1])
                local callback = made and field(made, 'callback')
                local func = callback and lint.defined(callback)
                if func and promises(made_table(field(made, 'flags'))) then
                    local name = field(made, 'function_name')
                    name = name and lint.constant(name)
                    visit(func, name and ('`%s` is registered with'):format(name) or 'the function is registered with')
                end
            end,
        }
    end,
}
