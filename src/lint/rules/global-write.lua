local function quoted(names)
    return '`' .. names .. '`'
end

return {
    severity = 'error',
    summary = 'a write to a global, or to a table of the sandbox',
    why = [[The sandbox is read-only: its globals, its libraries, and KEYS and ARGV as names. A script that assigns to one
stops there with "Attempt to modify a readonly table" (older servers: "Script attempted to create global
variable"); what it wrote to the data before stays written. `function f()` is such an assignment, too. In a library
FUNCTION LOAD fails, or the first call does. Elements of KEYS and ARGV may be assigned to; `local` is what is meant
nearly always.]],
    bad = [[count = redis.call('INCR', KEYS[1])
return count]],
    good = [[local count = redis.call('INCR', KEYS[1])
return count]],
    check = function(lint)
        local locals = {} -- name -> true: there is such a local somewhere

        -- The library that an expression is: "string", "_G"; or nil.
        local function library(node)
            local name = lint.builtin(node) or node.kind == 'name' and not node.variable and node.text
            local entry = name and lint.sandbox[name]
            return entry and entry.library and name or nil
        end

        local refused = 'the server refuses it (Attempt to modify a readonly table)'

        local function member(node, key)
            local object = library(node.object)
            if not object then
                return
            end
            if object == '_G' then
                lint.report(node, ('This sets a global, and %s; use a local'):format(refused))
                return
            end
            local whole = key and quoted(object .. '.' .. key) or 'a member of ' .. quoted(object)
            lint.report(node, ('This sets %s, and %s; use a local of its own'):format(whole, refused))
        end

        local function key_of(node)
            return node.key.kind == 'string' and node.key.text or nil
        end

        local writes = {}

        local function target(node)
            if node.kind == 'name' and not node.variable then
                writes[#writes + 1] = node
            elseif node.kind == 'index' then
                member(node, key_of(node))
            end
        end

        -- A local of nearly the same name, which may be what is meant: one letter more, less or other, or two
        -- that changed places.
        local function meant(name)
            local best
            for other in pairs(locals) do
                local shorter, longer = name, other
                if #shorter > #longer then
                    shorter, longer = longer, shorter
                end
                local head = 0
                while head < #shorter and shorter:byte(head + 1) == longer:byte(head + 1) do
                    head = head + 1
                end
                local a, b = shorter:sub(head + 1), longer:sub(head + 1)
                local near = #a == #b and (a:sub(2) == b:sub(2) or a:sub(1, 2) == b:sub(1, 2):reverse() and a:sub(3) == b:sub(3))
                    or a == b:sub(2)
                if near and #shorter > 2 and (not best or other < best) then
                    best = other
                end
            end
            return best
        end

        return {
            name = function(node)
                if node.variable then
                    locals[node.text] = true
                end
            end,
            assign = function(node)
                for _, each in ipairs(node.targets) do
                    target(each)
                end
            end,
            function_statement = function(node)
                if node.target.kind == 'name' and not node.target.variable then
                    lint.report(node.target, ('`function %s()` sets a global, and %s; write `local function %s()`')
                        :format(node.target.text, refused, node.target.text))
                elseif node.target.kind == 'index' then
                    member(node.target, key_of(node.target))
                end
            end,
            call = function(node)
                local name = lint.builtin(node.callee)
                local first = node.arguments[1]
                if (name == 'rawset' or name == 'setmetatable') and first then
                    local object = library(first)
                    if object then
                        lint.report(node, ('%s changes %s, and %s'):format(quoted(name), quoted(object), refused))
                    end
                end
            end,
            finish = function()
                for _, node in ipairs(writes) do
                    local near = meant(node.text)
                    local advice = near and ('is the local `%s` meant? Else declare it with `local`'):format(near)
                        or 'declare it with `local`'
                    if node.text == 'KEYS' or node.text == 'ARGV' then
                        advice = 'assign to a local instead'
                    end
                    lint.report(node, ('`%s` is a global here, and %s; %s'):format(node.text, refused, advice))
                end
            end,
        }
    end,
}
