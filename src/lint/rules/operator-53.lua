return {
    severity = 'error',
    summary = 'an operator that came with Lua 5.3: // & | ~ << >>',
    why = [[Scripts are compiled as Lua 5.1, which has neither integer division nor operators on bits. The server
refuses the whole script, at the first of them: "Error compiling script (new function): user_script:1: unexpected
symbol near '/'". Editors and checkers that know newer dialects say nothing. What is meant is there under other names:
math.floor(a / b), and bit.band, bit.bor, bit.bxor, bit.bnot, bit.lshift, bit.rshift, on 32 bits.]],
    bad = [[return 7 // 2]],
    good = [[return math.floor(7 / 2)]],
    check = function(lint)
        return {remark = lint.remark}
    end,
}
