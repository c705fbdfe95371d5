local MOST = 10000 -- findings: a report holds no more

local INSTEAD = {
    server = 'write `redis`, which all of them have',
    ['os.clock'] = "redis.call('TIME') is there on all of them",
    os = 'only os.clock is in it, and not everywhere',
    setfenv = 'keep to locals and parameters',
    getfenv = 'keep to locals and parameters',
    newproxy = 'a table does',
}

return {
    severity = 'warning',
    summary = 'a name that only some of the servers have: server, os.clock, redis.SERVER_NAME, setfenv',
    why = [[os.clock came with Redis 7.4 and Valkey 8.0; `server`, redis.SERVER_NAME and redis.VALKEY_VERSION are
Valkey's. On another server a global that is not there stops the script ("Script attempted to access nonexistent
global variable 'server'"), after whatever it wrote so far, and a member is nil. setfenv, getfenv and newproxy went
with the security fixes of October 2025. Whoever names --target is told of what those servers lack, and of nothing
else. rawget(_G, 'server') asks without failing, except while a library loads.]],
    bad = [[return server.call('INCR', KEYS[1])]],
    good = [[return redis.call('INCR', KEYS[1])]],
    check = function(lint)
        local ASKS = {['redis.SERVER_NAME'] = true, ['redis.VALKEY_VERSION'] = true, ['redis.VALKEY_VERSION_NUM'] = true,
            ['redis.REDIS_VERSION'] = true, ['redis.REDIS_VERSION_NUM'] = true}
        local asks = false -- the source looks at what server it is on
        local uses = {}

        -- "Redis, valkey-7.2 and valkey-8.0": all lines of Redis that count are one word.
        local function names(set)
            local list, redis = {}, 0
            for name in pairs(set) do
                list[#list + 1] = name
                redis = redis + (name:find('^redis') and 1 or 0)
            end
            for name in pairs(lint.targets) do
                redis = redis - (name:find('^redis') and 1 or 0)
            end
            for i = #list, 1, -1 do
                if redis == 0 and list[i]:find('^redis') then
                    table.remove(list, i)
                    set.Redis = true
                end
            end
            if set.Redis then
                list[#list + 1] = 'Redis'
            end
            table.sort(list)
            if #list < 2 then
                return list[1]
            end
            return table.concat(list, ', ', 1, #list - 1) .. ' and ' .. list[#list]
        end

        -- The targets that count and lack it, if others that count have it.
        local function lacking(entry)
            local without, with = {}, false
            for target in pairs(lint.targets) do
                if entry.on[target] then
                    with = true
                else
                    without[target] = true
                end
            end
            return with and next(without) and without or nil
        end

        -- Only on a branch, or under a pcall that takes the failure.
        local function guarded(node)
            local child = node
            for parent in lint.parents(node) do
                if asks and (parent.kind == 'clause' or parent.kind == 'binary' and (parent.op == 'and' or parent.op == 'or')) then
                    return true
                end
                if child.kind == 'function' and parent.kind == 'call' and lint.builtin(parent.callee) == 'pcall' then
                    return true
                end
                child = parent
            end
            return false
        end

        -- What to say of a name, made once; nil: nothing.
        local told = {}
        local function message(name)
            local entry = lint.sandbox[name]
            if not entry then
                return nil
            end
            local without = lacking(entry)
            if entry.unfixed then
                return ('Servers with the security fixes of October 2025 have no `%s`: %s'):format(name, INSTEAD[name])
            end
            return without and ('`%s` is missing on %s: %s'):format(name, names(without),
                INSTEAD[name] or 'test whether it is nil first')
        end

        local function use(node, name)
            if told[name] == nil then
                told[name] = message(name) or false
            end
            if told[name] and #uses < MOST then
                uses[#uses + 1] = {node = node, name = name}
            end
        end

        return {
            global = function(node, written)
                local name = node.text
                asks = asks or name == 'rawget'
                local parent = node.parent
                local whole = name ~= 'os' or not (parent.kind == 'index' and parent.object == node)
                if whole and not written then
                    use(node, name)
                end
            end,
            member = function(node, name, written)
                asks = asks or ASKS[name] or false
                local os = name == 'os.clock' -- reading `os` fails where there is none
                if not written and (os or not lint.tested(node)) then
                    use(node, name)
                end
            end,
            finish = function()
                for _, use in ipairs(uses) do
                    if not guarded(use.node) then
                        lint.report(use.node, told[use.name])
                    end
                end
            end,
        }
    end,
}
