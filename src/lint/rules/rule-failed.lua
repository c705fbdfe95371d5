return {
    severity = 'error',
    summary = 'a rule that raised an error, or took more steps or memory than it may',
    why = [[What the rule would have found in this source is not known, so that the source cannot be called clean. Of a rule of
your own the message names the line at fault. Of a built-in one this is a bug of the linter, or a source of a size that
nobody sends to a server. --severity RULE=off leaves the rule out.]],
    bad = [[-- in a folder of rules: index.lua
return {
    severity = 'info', summary = 'an example', why = 'An example.', bad = 'return t.x', good = 'return 1',
    check = function(lint)
        return {index = function(node) lint.report(node.key.key, 'a key of a key') end}
    end,
}]],
    good = [[-- in a folder of rules: index.lua
return {
    severity = 'info', summary = 'an example', why = 'An example.', bad = 'return t.x', good = 'return 1',
    check = function(lint)
        return {index = function(node) lint.report(node.key, 'a key') end}
    end,
}]],
    -- Told by what runs the rules.
    check = function()
        return {}
    end,
}
