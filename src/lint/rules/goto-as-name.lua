return {
    severity = 'info',
    summary = 'goto as a name, which newer dialects of Lua refuse',
    why = [[In Lua 5.1 `goto` is no keyword, so servers take it for a name. From Lua 5.2 on it is one: the script does
not load in tests, checkers and editors that stand on a newer Lua, and not on a server that moves on.]],
    bad = [[local goto = 1
return goto]],
    good = [[local target = 1
return target]],
    check = function(lint)
        local told = {} -- places: what begins a statement is remarked by the parser, too

        local function tell(node)
            if not told[node.offset] then
                told[node.offset] = true
                lint.report(node, '`goto` is a name in Lua 5.1 and a keyword ever after: give it another name')
            end
        end

        local function key(node)
            if node.named and node.key.text == 'goto' then
                tell(node.key)
            end
        end

        return {
            remark = tell,
            name = function(node)
                if node.text == 'goto' then
                    tell(node)
                end
            end,
            index = key,
            field = key,
            method = function(node)
                if node.name.text == 'goto' then
                    tell(node.name)
                end
            end,
        }
    end,
}
