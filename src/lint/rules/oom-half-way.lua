return {
    severity = 'warning',
    summary = 'short of memory, one write is refused and the next one is done',
    why = [[When `maxmemory` is reached, a script without a first line "#!lua" is run all the same. Its first command that may take
memory is refused, with an error; redis.pcall swallows that, and a write behind it that takes no memory (DEL, XACK, LREM)
is done: an entry is acknowledged whose effect never came to be. With "#!lua" the whole script is refused before it
begins. So it is with redis.call: it ends the script there.]],
    bad = [[redis.pcall('SADD', KEYS[1], ARGV[1])
redis.call('LREM', KEYS[2], 1, ARGV[1])]],
    good = [[redis.call('SADD', KEYS[1], ARGV[1])
redis.call('LREM', KEYS[2], 1, ARGV[1])]],
    check = function(lint)
        if lint.kind ~= 'eval' or lint.shebang or not lint.source:find('pcall', 1, true) then
            return {}
        end
        local asked = {} -- variables of which `err` is asked

        -- Where its answer goes; a variable's id, or false if it is thrown away, or nil if somebody may look at it.
        local function goes_to(node)
            local parent = node.parent
            if parent.kind == 'call_statement' then
                return false
            elseif parent.kind == 'local' and parent.values[1] == node and parent.names[1].variable then
                return parent.names[1].variable.id
            end
        end

        local told = {}

        -- Only the first write can be refused: behind one that was done all are.
        local function visit(_, before, _, here)
            local first = before and before.first
            local call = first and first.call
            if not call or not call.protected or not call.info.denyoom or told[first.node.offset] then
                return
            end
            local to = goes_to(first.node)
            for _, write in ipairs(here) do
                if to ~= nil and not (to and asked[to]) and write.call and not write.call.info.denyoom then
                    told[first.node.offset] = true
                    lint.report(write.node, string.format('%s is done also when %s in line %d was refused for want of memory: '
                        .. 'take redis.call there, or begin the script with "#!lua"', write.call.name, call.name,
                        first.node.line))
                    return
                end
            end
        end

        -- Functions that call a command by pcall which may be refused; and which answers are asked about.
        local function functions_of(chunk)
            local list, seen = {}, {}
            lint.walk(chunk, 'call', function(node)
                local call = lint.call(node)
                local func = call and call.protected and call.info and call.info.denyoom and lint.func(node)
                if func and not seen[func] then
                    seen[func] = true
                    list[#list + 1] = func
                end
            end)
            return list
        end

        local function note(node)
            if node.kind == 'index' then
                local of = node.object
                if node.named and node.key.text == 'err' and of.kind == 'name' and of.variable then
                    asked[of.variable.id] = true
                end
                return
            end
            for _, argument in ipairs(node.arguments) do -- type(reply), check(reply)
                if argument.kind == 'name' and argument.variable then
                    asked[argument.variable.id] = true
                end
            end
        end

        return {
            chunk = function(node)
                local list = functions_of(node)
                if list[1] then
                    lint.walk(node, 'index call', note)
                end
                for _, func in ipairs(list) do
                    lint.paths(func, visit)
                end
            end,
        }
    end,
}
