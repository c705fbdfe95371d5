-- What names of other languages, and of what people expect here, are meant to be.
local MEANT = {
    null = '`nil`, or cjson.null', none = '`nil`', undefined = '`nil`', True = '`true`', False = '`false`',
    TRUE = '`true`', FALSE = '`false`',
    json = '`cjson`', msgpack = '`cmsgpack`', args = '`ARGV`',
    len = '`#`', str = '`tostring`', int = '`tonumber`', valkey = '`server`, or `redis`', tostr = '`tostring`',
    ['math.round'] = '`math.floor(x + 0.5)`', ['math.trunc'] = '`math.modf`', ['string.length'] = '`#`',
    ['table.length'] = '`#`', ['table.size'] = '`#`', ['table.getlength'] = '`#`', ['string.split'] = '`string.gmatch`',
    ['table.push'] = '`table.insert`', ['table.pop'] = '`table.remove`', ['table.join'] = '`table.concat`',
    ['cjson.parse'] = '`cjson.decode`', ['cjson.stringify'] = '`cjson.encode`', ['cjson.empty_array'] = "the text '[]'",
    ['redis.error'] = '`redis.error_reply`', ['redis.status'] = '`redis.status_reply`', ['redis.sha1'] = '`redis.sha1hex`',
    ['redis.ok'] = "`redis.status_reply('OK')`",
}

-- What another rule tells better.
local OTHERS = {}
for name in ([[print require module package dofile loadfile io debug os utf8 bit32 rawlen warn _ENV table.unpack table.pack
    table.move math.type math.tointeger math.ult math.maxinteger math.mininteger string.pack string.unpack string.packsize
    coroutine.close coroutine.isyieldable]]):gmatch('%S+') do
    OTHERS[name] = true
end

local MOST = 10000 -- findings: a report holds no more

-- How many letters to change, leave out, add or swap with the next; up to `most`, beyond which it is `most` + 1.
local function distance(a, b, most)
    if math.abs(#a - #b) > most then
        return most + 1
    end
    local older, before = {}, {}
    for j = 0, #b do
        before[j] = j
    end
    for i = 1, #a do
        local row, least = {[0] = i}, i
        for j = 1, #b do
            local same = a:byte(i) == b:byte(j)
            local best = math.min(before[j - 1] + (same and 0 or 1), before[j] + 1, row[j - 1] + 1)
            if i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j) then
                best = math.min(best, older[j - 2] + 1)
            end
            row[j] = best
            least = math.min(least, best)
        end
        if least > most then
            return most + 1
        end
        older, before = before, row
    end
    return before[#b]
end

return {
    severity = 'error',
    summary = 'a global, or a member of a library, that the sandbox does not have',
    why = [[Reading a global that does not exist stops the script: "Script attempted to access nonexistent global
variable 'x'", also in `x or 1`, `if x then` and type(x), and what was written before stays written. Mostly it is a
misspelt local, or one that ended with its block, or that is declared further down. A member that a library lacks is
nil, so that calling it fails: "attempt to call field 'trim' (a nil value)".]],
    bad = [[local count = redis.call('INCR', KEYS[1])
return cuont]],
    good = [[local count = redis.call('INCR', KEYS[1])
return count]],
    check = function(lint)
        local unknown = {} -- in the order of the source: {node =, name =, object =, key =}
        local set = {} -- globals that the source assigns to: another rule's, and their reads follow from it
        local locals, order = {}, {} -- locals by name: where they were declared; and the names, each once
        local chunk

        local known = {} -- what is there on a server that counts: true or false
        local function exists(name)
            if known[name] == nil then
                local entry = lint.sandbox[name]
                known[name] = false
                for target in pairs(entry and lint.targets or {}) do
                    known[name] = known[name] or entry.on[target] or false
                end
            end
            return known[name]
        end

        -- While a library loads, even looking for a member that redis lacks stops it.
        local function loading(node, object)
            return object == 'redis' and lint.kind == 'function' and lint.func(node).kind == 'chunk'
        end

        -- `pcall(function() return server end)` asks whether it is there.
        local function asked(node)
            local parent = node.parent
            return parent.kind == 'return' and parent.parent.kind == 'function' and #parent.parent.body == 1
                and parent.parent.parent.kind == 'call' and lint.builtin(parent.parent.parent.callee) == 'pcall'
        end

        -- One of nearly the same name, or nil. The search ends where a source has very many of both.
        local tries = 20000
        local function near(name, candidates)
            local most = #name < 4 and 0 or #name < 7 and 1 or 2 -- `now` is no misspelt `low`
            local best, best_distance = nil, most + 1
            tries = tries - #candidates
            for _, candidate in ipairs(tries > 0 and candidates or {}) do
                local far = distance(name:lower(), candidate:lower(), most)
                if far < best_distance and #candidate > 1 then
                    best, best_distance = candidate, far
                end
            end
            return best
        end

        -- What may be meant, gathered when something is unknown: globals of the sandbox, members by library, locals.
        local globals, members = {}, {}
        local function gather()
            for name, entry in pairs(lint.sandbox) do
                local object, key = name:match('^(%a+)%.(.*)$')
                if object then
                    members[object] = members[object] or {}
                    table.insert(members[object], key)
                elseif not entry.unfixed and (lint.kind == 'eval' or entry.call) then
                    table.insert(globals, name)
                end
            end
            table.sort(globals)
            for _, list in pairs(members) do
                table.sort(list)
            end
            lint.walk(chunk, 'name', function(node)
                local name = node.variable and node.text
                if name and not locals[name] then
                    locals[name] = node
                    order[#order + 1] = name
                end
            end)
        end

        local function on_command(key)
            local info = lint.info(key:upper())
            return info and ("a command is called with redis.call('%s', …)"):format(info.name)
        end

        local meant_by = {} -- what was found out, by name
        local function advice_of_global(name, node)
            local at = locals[name]
            if at and at.line > node.line then
                return ('the local of that name is declared further down, in line %d'):format(at.line)
            elseif at then
                return ('the local of that name, of line %d, is not visible here: declare it in a block around both')
                    :format(at.line)
            end
            if not meant_by[name] then
                local meant = near(name, order)
                local known = not meant and (MEANT[name] or MEANT[name:lower()])
                meant = meant or not known and near(name, globals)
                meant_by[name] = known and known .. ' is meant?' or meant and ('`%s` is meant?'):format(meant)
                    or 'declare it with `local`'
            end
            return meant_by[name]
        end

        local function tell_global(use)
            local entry = lint.sandbox[use.name]
            if entry then
                lint.report(use.node, ('There is no `%s` on %s: %s'):format(use.name, lint.target or 'these servers',
                    use.name == 'server' and 'write `redis`' or 'do without'))
                return
            end
            lint.report(use.node, ('There is no global `%s`, and reading it stops the script; %s')
                :format(use.name, advice_of_global(use.name, use.node)))
        end

        local function tell_member(use)
            local parent = use.node.parent
            local called = parent.kind == 'call' and parent.callee == use.node
            local loads = loading(use.node, use.object)
            local result = loads and 'loading the library fails' or called and 'calling it fails' or 'this is nil'
            local meant = MEANT[use.name]
            local advice = use.object == 'redis' and on_command(use.key)
            if not advice and not meant then
                local key = near(use.key, members[use.object] or {})
                meant = key and ('`%s.%s`'):format(use.object, key)
            end
            advice = advice or meant and meant .. ' is meant?' or 'write a local function that does it'
            lint.report(use.node, ('`%s` has no `%s`, so %s; %s'):format(use.object, use.key, result, advice),
                not called and not loads and 'warning' or nil)
        end

        -- In a script there is no such function; in a library only while it loads.
        local function register(node)
            if lint.kind == 'eval' then
                lint.report(node, 'A script of EVAL registers no functions: begin with `#!lua name=…` and load it with '
                    .. 'FUNCTION LOAD')
                return
            end
            local func = lint.func(node)
            local parent = func.parent
            if parent and parent.kind == 'call' and lint.builtin(parent.callee) == 'redis.register_function' then
                lint.report(node, '`redis.register_function` exists only while the library loads: call it at the top level')
            end
        end

        local function note(use)
            if #unknown < MOST then
                unknown[#unknown + 1] = use
            end
        end

        local function member(node, name)
            local object, key = name:match('^([^.]*)%.(.*)$')
            local entry = lint.sandbox[name]
            if name == 'redis.register_function' then
                register(node)
            elseif object == '_G' then
                if not exists(key) and not OTHERS[key] then
                    note({node = node, name = key})
                end
            elseif entry and lint.kind == 'function' and not entry.call and not entry.load then
                lint.report(node, ('`%s` is not there in a library, only in EVAL'):format(name))
            elseif not entry and object ~= 'os' and not OTHERS[name] and (loading(node, object) or not lint.tested(node)) then
                note({node = node, name = name, object = object, key = key})
            end
        end

        return {
            chunk = function(node)
                chunk = node
            end,
            global = function(node, written)
                local name = node.text
                if exists(name) or OTHERS[name] then
                    return
                elseif written then
                    set[name] = true
                elseif not asked(node) and not (lint.kind == 'function' and (name == 'KEYS' or name == 'ARGV')) then
                    note({node = node, name = name})
                end
            end,
            member = function(node, name, written)
                if not written then
                    member(node, name)
                end
            end,
            finish = function()
                if #unknown > 0 then
                    gather()
                end
                for _, use in ipairs(unknown) do
                    if use.object then
                        tell_member(use)
                    elseif not set[use.name] then
                        tell_global(use)
                    end
                end
            end,
        }
    end,
}
