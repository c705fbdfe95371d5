return {
    severity = 'error',
    summary = 'a parenthesis on a new line that could call what stands before it',
    why = [[Lua 5.1 does not guess whether a line that begins with a parenthesis calls the expression above it. It
refuses the script: "ambiguous syntax (function call x new statement) near '('". Newer dialects take it for a call,
which is seldom meant. A semicolon ends the statement above; a call has its parenthesis on the line of its function.]],
    bad = [[local name = tostring(1)
(redis.call)('PING')
return name]],
    good = [[local name = tostring(1);
(redis.call)('PING')
return name]],
    check = function(lint)
        return {remark = lint.remark}
    end,
}
