local scans = {SCAN = true, SSCAN = true, HSCAN = true, ZSCAN = true}
local order = {['<'] = true, ['>'] = true, ['<='] = true, ['>='] = true, ['=='] = true, ['~='] = true}

return {
    severity = 'warning',
    summary = 'a loop calls commands until the data ends',
    why = [[While a script runs the server does nothing else. A loop that goes on until SCAN is through, a list is empty or a page
is not full takes as long as there is data: with ten million keys that is seconds, for all clients, and behind
`busy-reply-threshold` they get BUSY; once it wrote, nothing but SHUTDOWN NOSAVE ends it. Do so many at a time, answer
how far it came, and let the caller go on from there.]],
    bad = [[while redis.call('LPOP', KEYS[1]) do
    redis.call('INCR', KEYS[2])
end]],
    good = [[local most = 100
while most > 0 and redis.call('LPOP', KEYS[1]) do
    redis.call('INCR', KEYS[2])
    most = most - 1
end]],
    check = function(lint)
        local patience = 20000 -- assignments that are looked at in all: loops in loops are gone through for each of them

        local quiet = 0 -- up to here there is a loop without a command, and so are those in it

        -- Variables that a body counts with: n = n + 1; n = n - #page.
        local function counters_of(loop)
            local counters = {}
            lint.walk(loop, 'assign function', function(child)
                if child.kind == 'assign' then
                    patience = patience - 1
                    for i, target in ipairs(child.targets) do
                        local value = child.values[i]
                        if target.kind == 'name' and value and value.kind == 'binary' and (value.op == '+' or value.op == '-')
                            and (lint.text(value.left) == lint.text(target) or lint.text(value.right) == lint.text(target))
                        then
                            counters[lint.text(target)] = true
                        end
                    end
                end
                return child.kind ~= 'function' and patience >= 0
            end)
            return counters
        end

        local function compares(condition, counters)
            local found = false
            lint.walk(condition, function(child)
                if child.kind == 'binary' and order[child.op] then
                    for _, side in ipairs({child.left, child.right}) do
                        lint.walk(side, function(inner)
                            found = found or inner.kind == 'name' and counters[lint.text(inner)]
                        end)
                        -- How long something became that grows in the loop.
                        found = found or child.op ~= '==' and side.kind == 'unary' and side.op == '#'
                            and side.operand.kind == 'name' and counters[lint.text(side.operand)]
                    end
                end
                return not found
            end)
            return found
        end

        -- Tables that grow in a body count as well: `#batch < 100`.
        local function note_growth(loop, counters)
            lint.walk(loop, 'assign call function', function(child)
                if child.kind == 'assign' then
                    for _, target in ipairs(child.targets) do
                        if target.kind == 'index' and target.object.kind == 'name' then
                            counters[lint.text(target.object)] = true
                        end
                    end
                elseif child.kind == 'call' and lint.builtin(child.callee) == 'table.insert' and child.arguments[1] then
                    counters[lint.text(child.arguments[1])] = true
                end
                return child.kind ~= 'function'
            end)
        end

        -- Whether an `if` in the body that leaves the loop looks at a counter.
        local function is_left(loop, counters)
            local found = false
            lint.walk(loop, 'clause function', function(child)
                if child.kind == 'clause' and child.condition and lint.leaves(child.body) then
                    found = found or compares(child.condition, counters)
                end
                return not found and child.kind ~= 'function'
            end)
            return found
        end

        local function first_command(node)
            local found
            lint.walk(node, 'call function', function(child)
                found = found or child.kind == 'call' and lint.call(child) or nil
                return not found and child.kind ~= 'function'
            end)
            return found
        end

        -- Of the names in an expression: the command that one of them comes from.
        local function inside_of(node, inside)
            local found
            lint.walk(node, 'name function', function(child)
                found = found or child.kind == 'name' and inside[lint.text(child)] or nil
                return not found and child.kind ~= 'function'
            end)
            return found
        end

        -- The command whose reply, made anew in each round, the condition waits for.
        local function waits_for(condition, loop)
            local call = first_command(condition)
            if call then
                return call
            end
            local inside = {}
            lint.walk(loop, 'assign local function', function(child)
                if child.kind == 'assign' or child.kind == 'local' then
                    patience = patience - 1
                    for i, name in ipairs(child.targets or child.names) do
                        local value = child.values[i]
                        if name.kind == 'name' and value then
                            inside[lint.text(name)] = first_command(value) or inside_of(value, inside) or inside[lint.text(name)]
                        end
                    end
                end
                return child.kind ~= 'function'
            end)
            return inside_of(condition, inside)
        end

        local function is_scan(loop)
            local found
            lint.walk(loop, 'call function', function(child)
                local call = child.kind == 'call' and lint.call(child)
                found = found or call and scans[call.name or ''] and call or nil
                return not found and child.kind ~= 'function'
            end)
            return found
        end

        local function look(loop, for_ever)
            if patience < 0 or loop.finish <= quiet then
                return
            elseif not first_command(loop) then
                quiet = loop.finish
                return
            end
            local counters = counters_of(loop)
            note_growth(loop, counters)
            if compares(loop.condition, counters) or is_left(loop, counters) then
                return
            end
            local call = is_scan(loop)
            if call and call.name == 'SCAN' then
                return -- slow-command's
            end
            if not call and for_ever then
                for _, statement in ipairs(loop.body) do
                    call = call or first_command(statement)
                end
            elseif not call then
                call = waits_for(loop.condition, loop)
            end
            if call then
                lint.report(loop, string.format('nothing bounds this loop but what %s answers, and the server does nothing else '
                    .. 'until it ends: stop after so many rounds, and let the caller go on', call.name or 'a command'))
            end
        end

        return {
            ['while'] = function(node)
                look(node, lint.constant(node.condition) ~= nil)
            end,
            ['repeat'] = function(node)
                look(node, lint.constant(node.condition) ~= nil)
            end,
        }
    end,
}
