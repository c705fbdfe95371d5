return {
    severity = 'error',
    summary = 'KEYS or ARGV in a function library',
    why = [[Only EVAL has the globals KEYS and ARGV. A function of a library gets its keys as its first parameter and
its arguments as its second; FCALL of one that reads KEYS fails with "Script attempted to access nonexistent global
variable 'KEYS'", and at the top level of the library FUNCTION LOAD does. Loading finds nothing: it fails on the first
call.]],
    bad = [[#!lua name=counters
redis.register_function('hit', function()
    return redis.call('INCR', KEYS[1])
end)]],
    good = [[#!lua name=counters
redis.register_function('hit', function(keys)
    return redis.call('INCR', keys[1])
end)]],
    check = function(lint)
        if lint.kind ~= 'function' then
            return {}
        end

        -- What the function around it calls its keys, or its arguments; nil: nothing.
        local function parameter(node, index)
            local func = lint.func(node)
            local name = func.kind == 'function' and func.parameters[index]
            return name and name.text
        end

        return {
            global = function(node)
                local index = ({KEYS = 1, ARGV = 2})[node.text]
                if not index then
                    return
                end
                local what = index == 1 and 'first' or 'second'
                local advice = ("take them as the function's %s parameter: `function(keys, args)`"):format(what)
                local name = parameter(node, index)
                if name then
                    advice = ("they are the function's %s parameter, here `%s`"):format(what, name)
                end
                lint.report(node, ('`%s` exists in EVAL alone, not in a library; %s'):format(node.text, advice))
            end,
        }
    end,
}
