-- What newer dialects of Lua have, and what does the same on a server.
local INSTEAD = {
    utf8 = "take bytes: string.byte, string.char and '[%z\\1-\\127\\194-\\244][\\128-\\191]*' as the pattern of a character",
    bit32 = 'use bit.band, bit.bor, bit.lshift, …',
    rawlen = 'use #',
    warn = 'use redis.log(redis.LOG_WARNING, ...)',
    _ENV = 'use locals',
    ['table.unpack'] = 'write unpack(list)',
    ['table.pack'] = "write {n = select('#', ...), ...}",
    ['table.move'] = 'copy in a loop',
    ['math.type'] = 'all numbers are floats; x % 1 == 0 asks whether one is whole',
    ['math.tointeger'] = 'all numbers are floats; math.floor makes one whole',
    ['math.ult'] = 'all numbers are floats, compare with <',
    ['math.maxinteger'] = 'it is nil; whole numbers are exact up to 2^53',
    ['math.mininteger'] = 'it is nil; whole numbers are exact down to -2^53',
    ['string.pack'] = 'use struct.pack',
    ['string.unpack'] = 'use struct.unpack',
    ['string.packsize'] = 'use struct.size',
    ['coroutine.close'] = 'drop the coroutine',
    ['coroutine.isyieldable'] = 'coroutine.running() is nil outside of one',
}

local METHODS = {pack = 'struct.pack', unpack = 'struct.unpack', packsize = 'struct.size'}

-- Fields of metatables that 5.1 does not look at, for tables.
local METAMETHODS = {
    __pairs = 'pairs does not ask it',
    __ipairs = 'ipairs does not ask it',
    __len = '# does not ask it of a table',
    __gc = 'tables have no finalizers',
    __close = 'nothing is closed',
    __idiv = 'there is no such operator',
    __band = 'there is no such operator',
    __bor = 'there is no such operator',
    __bxor = 'there is no such operator',
    __shl = 'there is no such operator',
    __shr = 'there is no such operator',
    __bnot = 'there is no such operator',
}

return {
    severity = 'error',
    summary = 'what came after Lua 5.1: table.unpack, utf8, math.type, string.pack, load of text, …',
    why = [[The servers' libraries are those of Lua 5.1. What later dialects added is nil there: calling it fails with
"attempt to call field 'unpack' (a nil value)", reading a global of theirs with "Script attempted to access
nonexistent global variable 'utf8'". An argument that later dialects added is worse, since it is ignored:
string.rep(s, n, sep) leaves out the separators, math.log(x, base) is the natural logarithm, and load takes a
function, not a text. What the script wrote before it fails stays written.]],
    bad = [[return redis.call('DEL', table.unpack(KEYS))]],
    good = [[return redis.call('DEL', KEYS[1])]],
    check = function(lint)
        local function report(node, name, instead)
            lint.report(node, ('Lua 5.1 has no `%s`: %s'):format(name, instead))
        end

        local function may_be_text(node)
            return node.kind == 'string' or node.kind == 'paren' and node.inner.kind == 'string'
                or lint.may(node, 'string')
        end

        local function ignored(node, what)
            lint.report(node, ('Lua 5.1 ignores this: %s'):format(what))
        end

        -- Calls of what is there, with arguments that are not.
        local CALLS = {
            load = function(node)
                local first = node.arguments[1]
                if first and (lint.always(first, 'string') or #node.arguments > 2) then
                    lint.report(node, "Lua 5.1's `load` takes a function (\"bad argument #1 to 'load'\"); "
                        .. 'for a text there is loadstring')
                end
            end,
            ['string.rep'] = function(node)
                if node.arguments[3] then
                    ignored(node.arguments[3], "`string.rep` has no separator; use table.concat")
                end
            end,
            ['math.log'] = function(node)
                if node.arguments[2] then
                    ignored(node.arguments[2], '`math.log` has no base; divide by the logarithm of the base')
                end
            end,
            xpcall = function(node)
                if node.arguments[3] then
                    ignored(node.arguments[3], '`xpcall` passes no arguments; call from within a function')
                end
            end,
            setmetatable = function(node)
                local meta = node.arguments[2]
                local made = meta and lint.shape(meta)
                local fields = made and made.made and made.made.fields or {}
                for _, field in ipairs(fields) do
                    local key = field.key and field.key.kind == 'string' and field.key.text
                    if key and METAMETHODS[key] then
                        ignored(field, ('`%s` is of newer dialects, %s'):format(key, METAMETHODS[key]))
                    end
                end
            end,
        }

        -- A call of what the sandbox has, by its own name.
        local function called(node, name)
            local parent = node.parent
            if CALLS[name] and parent.kind == 'call' and parent.callee == node then
                CALLS[name](parent)
            end
        end

        local hooks = {
            global = function(node, written)
                local instead = INSTEAD[node.text]
                if instead and not written then
                    report(node, node.text, instead)
                end
                called(node, node.text)
            end,
            member = function(node, name, written)
                if INSTEAD[name] and not lint.tested(node) and not written then
                    report(node, name, INSTEAD[name])
                end
                called(node, name)
            end,
            method = function(node)
                local instead = METHODS[node.name.text]
                if instead and may_be_text(node.object) then
                    lint.report(node, ('Strings have no method `%s` in Lua 5.1: use %s'):format(node.name.text, instead))
                elseif node.name.text == 'rep' and node.arguments[2] and may_be_text(node.object) then
                    ignored(node.arguments[2], '`rep` has no separator; use table.concat')
                end
            end,
        }
        if lint.source:find('_ENV', 1, true) then
            hooks['local'] = function(node)
                for _, name in ipairs(node.names) do
                    if name.text == '_ENV' then
                        ignored(name, '`_ENV` is a variable like any other, and names go on meaning what they did')
                    end
                end
            end
        end
        return hooks
    end,
}
