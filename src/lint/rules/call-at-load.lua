return {
    severity = 'error',
    summary = 'something that a library does not have while it loads: redis.call, tonumber, string, …',
    why = [[FUNCTION LOAD runs the library in a sandbox of its own, which has `redis` with register_function, log, the
LOG_ constants and the version, and nothing else: no redis.call, and none of Lua's functions and libraries either. So
`local floor = math.floor` at the top level, or in a function that the top level calls, fails with "Script attempted
to access nonexistent global variable 'math'", and no function of the library is registered. All of it is there once a
function is called. redis.log, though it is there, kills servers of Valkey 9.1.]],
    bad = [[#!lua name=limits
local limit = tonumber('10')
redis.register_function('limit', function()
    return limit
end)]],
    good = [[#!lua name=limits
redis.register_function('limit', function()
    local limit = tonumber('10')
    return limit
end)]],
    check = function(lint)
        if lint.kind ~= 'function' then
            return {}
        end

        local used = {} -- function node -> what of the sandbox it reads
        local calls = {} -- function node -> functions that it calls
        local named, methods = {}, {} -- function node -> members of local tables that it calls; such functions by name
        local chunk

        -- "7.init" of `M.init` and `M:init()`, 7 being the number of the local `M`; nil of all else.
        local function member_of(node)
            local name = node.kind == 'method' and node.name or node.kind == 'index' and node.key
            local object = name and name.kind == 'string' and node.object
            return object and object.kind == 'name' and object.variable and object.variable.id .. '.' .. name.text or nil
        end

        local function add(map, func, value)
            map[func] = map[func] or {}
            if value then
                table.insert(map[func], value)
            end
        end

        local function judge(use)
            local entry = lint.sandbox[use.name]
            if use.name == 'redis.log' then
                if use.called and lint.targets['valkey-9.1'] then
                    lint.report(use.node, 'redis.log while the library loads kills Valkey 9.1: log from within a function',
                        'warning')
                end
            elseif not entry or entry.load or not entry.call then
                return -- it is there; or it is nowhere, and another rule's
            elseif use.name:find('^redis%.') then
                lint.report(use.node, ('`%s` does not exist while the library loads: move it into a registered function')
                    :format(use.name))
            else
                lint.report(use.node, ('`%s` does not exist while the library loads, only when a function is called: '
                    .. 'move it into a registered function'):format(use.name))
            end
        end

        return {
            chunk = function(node)
                chunk = node
            end,
            global = function(node)
                add(used, lint.func(node), {node = node, name = node.text})
            end,
            member = function(node, name)
                if name:find('^redis%.') then
                    local called = node.parent.kind == 'call' and node.parent.callee == node
                    add(used, lint.func(node), {node = node, name = name, called = called})
                end
            end,
            function_statement = function(node)
                methods[member_of(node.target) or ''] = node.func
            end,
            call = function(node)
                local func = lint.defined(node.callee)
                if func then
                    add(calls, lint.func(node), func)
                else
                    add(named, lint.func(node), member_of(node.callee))
                end
            end,
            method = function(node)
                add(named, lint.func(node), member_of(node))
            end,
            finish = function()
                local seen, queue = {[chunk] = true}, {chunk}
                local function run(func)
                    if func and not seen[func] then
                        seen[func] = true
                        queue[#queue + 1] = func
                    end
                end
                for _, func in ipairs(queue) do -- which grows as it is walked
                    for _, use in ipairs(used[func] or {}) do
                        judge(use)
                    end
                    for _, called in ipairs(calls[func] or {}) do
                        run(called)
                    end
                    for _, name in ipairs(named[func] or {}) do
                        run(methods[name])
                    end
                end
            end,
        }
    end,
}
