return {
    severity = 'warning',
    summary = 'code, or the name of a command, that is taken from ARGV or from data',
    why = [[loadstring and load run what they are given with all that a script may do: who can set that text can write
and delete any key, however the program checks its own calls. The same goes for the name of a command: redis.call(
ARGV[1], ...) runs FLUSHALL as well. New text each time is also compiled each time.
Let the data choose among what the script has: a table of functions, or of the names of commands.]],
    bad = [[return loadstring('return ' .. ARGV[1])()]],
    good = [==[local names = {add = 'SADD', remove = 'SREM'}
return redis.call(names[ARGV[1]] or 'SADD', KEYS[1], ARGV[2])]==],
    check = function(lint)
        local names = {}

        -- Whose words a node may be. What an `and` only looks at does not count.
        local function origin(node)
            if not lint.from(node, 'argument', 'key', 'reply') then
                return nil
            end
            for _, source in ipairs(lint.sources(node)) do
                if lint.constant(source) ~= nil then
                    goto continue
                elseif lint.from(node, 'argument') and lint.from(source, 'argument') then
                    return lint.kind == 'function' and 'the arguments' or 'ARGV'
                elseif lint.from(node, 'key') and lint.from(source, 'key') then
                    return lint.kind == 'function' and 'the keys' or 'KEYS'
                elseif lint.from(node, 'reply') and lint.from(source, 'reply') then
                    return 'the data'
                end
                ::continue::
            end
        end

        -- Whose words the name of a command may be. Of a table that is unpacked only the first is the name, which nobody
        -- knows here, unless all are ARGV's.
        local function named_by(node)
            if node.kind == 'call' and lint.builtin(node.callee) == 'unpack' then
                local list = node.arguments[1]
                return list and lint.thing(list) == 'ARGV' and (lint.kind == 'function' and 'the arguments' or 'ARGV')
            end
            return origin(node)
        end

        -- Adds what the script compares with strings of its own, or looks up in a table of its own: `if allowed[name] then`.
        local function note(node, compared)
            if node.kind == 'binary' and (node.op == '==' or node.op == '~=') then
                if type(lint.constant(node.right)) == 'string' then
                    compared[lint.text(node.left)] = true
                elseif type(lint.constant(node.left)) == 'string' then
                    compared[lint.text(node.right)] = true
                end
            elseif node.kind == 'index' and not node.named and lint.shape(node.object) then
                compared[lint.text(node.key)] = true
            end
        end

        return {
            call = function(node)
                local name = lint.builtin(node.callee)
                if name ~= 'loadstring' and name ~= 'load' then
                    return
                end
                local whose = node.arguments[1] and origin(node.arguments[1])
                if whose then
                    lint.report(node, ('`%s` makes code of %s, and who sets that may run anything: keep the code in the '
                        .. 'script, and let the data choose'):format(lint.text(node.callee), whose))
                end
            end,
            command = function(node, call)
                local first = node.arguments[1]
                local whose = not call.name and first and named_by(first)
                if whose then
                    names[#names + 1] = {node = first, origin = whose}
                end
            end,
            leave_chunk = function(chunk)
                local compared = {}
                if #names > 0 then
                    lint.walk(chunk, 'binary index', function(node) note(node, compared) end)
                end
                for _, one in ipairs(names) do
                    if not compared[lint.text(one.node)] then
                        lint.report(one.node, ('the name of the command comes from %s, and may be any: choose it from a '
                            .. 'table of those that are meant'):format(one.origin))
                    end
                end
            end,
        }
    end,
}
