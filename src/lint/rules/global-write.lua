local MOST = 10000 -- findings: a report holds no more

return {
    severity = 'error',
    summary = 'a write to a global, or to a table of the sandbox',
    why = [[The sandbox is read-only: its globals, its libraries, and KEYS and ARGV as names. A script that assigns to
one stops there with "Attempt to modify a readonly table" (older servers: "Script attempted to create global
variable"); what it wrote to the data before stays written. `function f()` is such an assignment, too. In a library
FUNCTION LOAD fails, or the first call does. Elements of KEYS and ARGV may be assigned to; `local` is what is meant
nearly always.]],
    bad = [[count = redis.call('INCR', KEYS[1])
return count]],
    good = [[local count = redis.call('INCR', KEYS[1])
return count]],
    check = function(lint)
        local refused = 'the server refuses it (Attempt to modify a readonly table)'
        local chunk
        local writes = {}

        -- The library that an expression is: "string", "_G"; or nil.
        local function library(node)
            local name = lint.builtin(node)
            local entry = name and lint.sandbox[name]
            return entry and entry.library and name or nil
        end

        -- A local of nearly the same name, which may be what is meant: one letter more, less or other, or two
        -- that changed places.
        local function meant(name, locals)
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

        local function names_of_locals()
            local names = {}
            lint.walk(chunk, 'name', function(node)
                if node.variable then
                    names[node.text] = true
                end
            end)
            return names
        end

        return {
            chunk = function(node)
                chunk = node
            end,
            global = function(node, written)
                local parent, name = node.parent, node.text
                if written then
                    writes[#writes + 1] = #writes < MOST and node or nil
                elseif (name == 'rawset' or name == 'setmetatable') and parent.kind == 'call' and parent.callee == node then
                    local object = parent.arguments[1] and library(parent.arguments[1])
                    if object then
                        lint.report(parent, ('`%s` changes `%s`, and %s'):format(name, object, refused))
                    end
                end
            end,
            member = function(node, name, written)
                if not written then
                    return
                elseif name:find('^_G%.') then
                    lint.report(node, ('This sets a global, and %s; use a local'):format(refused))
                else
                    lint.report(node, ('This sets `%s`, and %s; use a local of its own'):format(name, refused))
                end
            end,
            finish = function()
                local locals = #writes > 0 and #writes < 100 and names_of_locals() -- else it is no slip
                for _, node in ipairs(writes) do
                    local name = node.text
                    local near = locals and meant(name, locals)
                    if node.parent.kind == 'function_statement' then
                        lint.report(node, ('`function %s()` sets a global, and %s; write `local function %s()`')
                            :format(name, refused, name))
                    else
                        local advice = near and ('is the local `%s` meant? Else declare it with `local`'):format(near)
                            or (name == 'KEYS' or name == 'ARGV') and 'assign to a local instead'
                            or 'declare it with `local`'
                        lint.report(node, ('`%s` is a global here, and %s; %s'):format(name, refused, advice))
                    end
                end
            end,
        }
    end,
}
