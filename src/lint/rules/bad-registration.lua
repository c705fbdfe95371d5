local FLAGS <const> = {
    ['no-writes'] = true, ['allow-oom'] = true, ['allow-stale'] = true, ['no-cluster'] = true,
    ['allow-cross-slot-keys'] = true,
}
local FIELDS <const> = {['function_name'] = true, callback = true, flags = true, description = true}

return {
    severity = 'error',
    summary = 'a function that servers refuse to register: its name, its flags, or what describes it',
    why = [[redis.register_function takes a name and a function, or one table with function_name, callback and, if wanted,
flags. What it does not know ends FUNCTION LOAD, and none of the library is loaded: "unknown flag given", "unknown
argument given to redis.register_function", "wrong number of arguments to redis.register_function", "Function already
exists in the library". Names are made of letters, digits and _.]],
    bad = [[#!lua name=mylib
redis.register_function{function_name = 'my_get', flags = {'readonly'}, callback = function(keys, args)
    return redis.call('GET', keys[1])
end}]],
    good = [[#!lua name=mylib
redis.register_function{function_name = 'my_get', flags = {'no-writes'}, callback = function(keys, args)
    return redis.call('GET', keys[1])
end}]],
    check = function(lint)
        local named = {}

        local function judge_name(node)
            local name = lint.constant(node)
            if type(name) ~= 'string' then
                return
            elseif not name:find('^[%w_]+$') then
                lint.report(node, ('the name `%s` is refused: take letters, digits and _, at least one'):format(name))
            elseif named[name] then
                lint.report(node, ('a function `%s` was registered before: give this one another name'):format(name))
            end
            named[name] = true
        end

        local function judge_flags(node)
            local shape = lint.shape(node)
            if not shape then
                if lint.always(node, 'string', 'number', 'true', 'false') then
                    lint.report(node, ("flags must be a table: write {%s}"):format(lint.text(node)))
                end
                return
            end
            for _, field in ipairs(shape.made.fields) do
                local flag = not field.key and lint.constant(field.value)
                if type(flag) == 'string' and not FLAGS[flag:lower()] then
                    lint.report(field.value, ('servers know no flag `%s`: write one of no-writes, allow-oom, allow-stale, '
                        .. 'no-cluster, allow-cross-slot-keys'):format(flag))
                end
            end
        end

        local function judge_callback(node)
            if lint.always(node, 'nil', 'string', 'number', 'table', 'boolean') then
                lint.report(node, ('%s is no function, and cannot be registered: give it one'):format(lint.quote(node)))
            end
        end

        local function judge_table(node)
            local shape = lint.shape(node)
            if not shape then
                return
            end
            local here = shape.made.offset == node.offset -- else a field may have been added
            local given = {}
            for _, field in ipairs(shape.made.fields) do
                local key = field.key and lint.constant(field.key)
                if not field.key or type(key) == 'string' and not FIELDS[key:lower()] then
                    lint.report(field, ('%s is nothing that describes a function: write function_name, callback or '
                        .. 'flags = ...'):format(lint.quote(field.key or field.value)))
                    return
                elseif type(key) ~= 'string' then
                    return
                end
                given[key:lower()] = field.value
            end
            for _, wanted in ipairs({'function_name', 'callback'}) do
                if not given[wanted] and here then
                    lint.report(node, ('the function has no %s: write %s = ...'):format(wanted, wanted))
                    return
                end
            end
            if given.function_name then
                judge_name(given.function_name)
            end
            if given.callback then
                judge_callback(given.callback)
            end
            if given.flags then
                judge_flags(given.flags)
            end
        end

        local function open(arguments)
            local kind = #arguments > 0 and arguments[#arguments].kind
            return kind == 'call' or kind == 'method' or kind == 'dots'
        end

        return {
            call = function(node)
                if lint.kind ~= 'function' or lint.builtin(node.callee) ~= 'redis.register_function' then
                    return
                end
                local arguments = node.arguments
                if #arguments == 1 and not open(arguments) then
                    judge_table(arguments[1])
                elseif #arguments == 2 and not open(arguments) then
                    judge_name(arguments[1])
                    judge_callback(arguments[2])
                elseif #arguments > 2 or #arguments == 0 then
                    lint.report(node, 'a name and a function are registered, or one table: write {function_name = ..., '
                        .. 'callback = ..., flags = {...}}')
                end
            end,
        }
    end,
}
