local words = {['nil'] = 'nil', ['false'] = 'false', ['true'] = 'true', table = 'a table', ['function'] = 'a function',
    userdata = 'cjson.null'}

return {
    severity = 'error',
    summary = 'an argument of redis.call is neither a string nor a number',
    why = [[Arguments of redis.call and redis.pcall are strings and numbers. With anything else the call is an error: "Lua redis lib
command arguments must be strings or integers" (Valkey: "Command arguments must be strings or integers"). What a reply
gives when there is nothing is false, and so not an argument either; a table is not taken apart.]],
    bad = [[return redis.call('DEL', KEYS)]],
    good = [[for i = 1, #KEYS do
    redis.call('DEL', KEYS[i])
end]],
    check = function(lint)
        local types = {'nil', 'true', 'false', 'table', 'function', 'userdata'}

        local function found(node)
            local list = {}
            for _, name in ipairs(types) do
                if lint.may(node, name) then
                    list[#list + 1] = words[name]
                end
            end
            return list
        end

        -- A nil that only text which is no number would give, or a pattern that does not match it, is not told.
        local function is_doubtful(node)
            for _, source in ipairs((lint.sources(node))) do
                local name = source.kind == 'call' and lint.builtin(source.callee)
                if name == 'tonumber' and source.arguments[1] and not lint.may(source.arguments[1], 'nil', 'false')
                    or name and name:find('^string%.')
                then
                    return true
                end
            end
            return false
        end

        local function advice(node, list)
            if list[1] == 'a table' then
                local shape = lint.shape(node)
                return lint.thing(node) and 'write unpack(…) of it' or shape and shape.fields
                    and 'name its fields, or cjson.encode(…) it' or 'write unpack(…), or cjson.encode(…) it'
            elseif list[1] == 'true' or list[#list] == 'true' then
                return "write `… and '1' or '0'`"
            end
            return 'ask first whether it is there, or give a default with `or`'
        end

        return {
            command = function(_, call)
                for i, node in ipairs(call.arguments) do
                    local list = found(node)
                    local always = #list > 0 and lint.always(node, table.unpack(types))
                    local last = i == #call.arguments and call.open
                    if #list > 0 and not last and (always or not (#list == 1 and list[1] == 'nil' and is_doubtful(node))) then
                        lint.report(node, string.format('%s %s %s, and arguments of a command are strings or numbers: %s',
                            lint.quote(node), always and 'is' or 'may be', table.concat(list, ' or '), advice(node, list)),
                            always and 'error' or 'warning')
                    end
                end
            end,
        }
    end,
}
