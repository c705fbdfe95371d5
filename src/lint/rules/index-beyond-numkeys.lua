return {
    severity = 'error',
    summary = 'an element of KEYS that is never there: an index below 1, or above the number of keys',
    why = [[KEYS and ARGV count from 1, and hold what the caller passed; any other element is nil. As an argument of a
command nil is refused: "Lua redis lib command arguments must be strings or integers" (Redis), "Command arguments
must be strings or integers" (Valkey), and what the script wrote before stays. How many keys there are is known if
the linter was told (--numkeys).]],
    bad = [[return redis.call('GET', KEYS[0])]],
    good = [[return redis.call('GET', KEYS[1])]],
    check = function(lint)
        local counted = {} -- ids of variables that say something about KEYS: `local n = #KEYS`, `local last = KEYS[3]`
        local dynamic = false -- the script asks how many keys there are: then it knows what it does
        local beyond = {}

        -- Whether an expression is about how many keys there are, and not about what is stored there.
        local function asks(node)
            local yes = false
            lint.walk(node, 'name function call', function(child)
                if child.kind == 'name' and (lint.thing(child) == 'KEYS'
                    or child.variable and counted[child.variable.id]) then
                    yes = true
                end
                return not yes and child.kind ~= 'function' and (child.kind ~= 'call'
                    or lint.builtin(child.callee) == 'type')
            end)
            return yes
        end

        local function condition(node)
            dynamic = dynamic or node.condition ~= nil and asks(node.condition)
        end

        local function assigned(node)
            if node.parent.kind == 'assign' then
                for _, target in ipairs(node.parent.targets) do
                    if target.offset == node.offset then
                        return true
                    end
                end
            end
            return false
        end

        -- The loop that counts with this name, if its bounds are written.
        local function counts(name)
            if name.kind ~= 'name' or not name.variable or not name.variable.loop or name.variable.writes > 0 then
                return nil
            end
            for parent in lint.parents(name) do
                if parent.kind == 'for_number' and parent.name.variable
                    and parent.name.variable.id == name.variable.id then
                    local step = parent.range[3]
                    if step and lint.constant(step) ~= 1 then
                        return nil
                    end
                    return lint.constant(parent.range[1]), lint.constant(parent.range[2])
                end
            end
        end

        -- What is wrong with an index; second: whether that hangs on the number of keys.
        local function judge(node)
            if node.named then
                return
            end
            local array = lint.thing(node.object)
            if array ~= 'KEYS' and array ~= 'ARGV' then
                return
            end
            local most = array == 'KEYS' and lint.kind == 'eval' and lint.numkeys or nil
            local calls = most and ('the script is called with %d %s'):format(most, most == 1 and 'key' or 'keys')
            local text, name = lint.text(node), lint.text(node.object)
            local index = lint.constant(node.key)
            if type(index) == 'number' then
                if index < 1 then
                    return ('`%s` is always nil: %s begins at 1; write %s[1]'):format(text, name, name)
                elseif most and index > most then
                    return ('`%s` is always nil: %s; pass that one too, or leave it out'):format(text, calls), true
                end
                return
            end
            local from, to = counts(node.key)
            if type(from) == 'number' and from < 1 and (type(to) ~= 'number' or to >= from) then
                return ('`%s` is nil in the first round, where `%s` is %d: %s begins at 1; count from 1'):format(text,
                    lint.text(node.key), from // 1, name)
            elseif type(from) == 'number' and type(to) == 'number' and most and to > most and to >= from then
                return ('`%s` is nil in the last round, where `%s` is %d: %s; count to #%s'):format(text,
                    lint.text(node.key), to // 1, calls, name), true
            end
        end

        local function index(node)
            local message, by_count = judge(node)
            if message and not assigned(node) then
                if by_count then
                    beyond[#beyond + 1] = {node = node, message = message}
                else
                    lint.report(node, message)
                end
            end
        end

        if not lint.numkeys or lint.kind ~= 'eval' then
            return {index = index}
        end
        return {
            index = index,
            ['local'] = function(node)
                for i, name in ipairs(node.names) do
                    if node.values[i] and name.variable and asks(node.values[i]) then
                        counted[name.variable.id] = true
                    end
                end
            end,
            clause = condition,
            ['while'] = condition,
            ['repeat'] = condition,
            binary = function(node)
                if node.op == 'and' or node.op == 'or' then
                    -- Of a chain of them each part is looked at once: it is on the left.
                    local left = node.left
                    local chain = left.kind == 'binary' and (left.op == 'and' or left.op == 'or')
                    dynamic = dynamic or asks(chain and left.right or left)
                end
            end,
            call = function(node)
                if lint.builtin(node.callee) == 'assert' and node.arguments[1] then
                    dynamic = dynamic or asks(node.arguments[1])
                end
            end,
            finish = function()
                for _, one in ipairs(dynamic and {} or beyond) do
                    lint.report(one.node, one.message)
                end
            end,
        }
    end,
}
