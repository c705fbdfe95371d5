local TIME = "ask the server: redis.call('TIME') gives seconds and microseconds"
local SOURCE = 'a script has nothing but its own source: put it in there, or send it as an argument'
local COMPILE = 'nothing can be read from files, and code belongs into the source'

local INSTEAD = {
    print = 'write redis.log(redis.LOG_NOTICE, ...), or return it',
    require = SOURCE,
    module = SOURCE,
    package = SOURCE,
    dofile = COMPILE,
    loadfile = COMPILE,
    io = 'scripts reach no files; log with redis.log(redis.LOG_NOTICE, ...)',
    debug = "scripts cannot look into Lua; redis.log tells what is going on, and pcall an error's message",
    ['os.time'] = TIME,
    ['os.date'] = TIME .. ', and the caller formats them',
    ['os.difftime'] = 'subtract the numbers',
    ['os.getenv'] = 'send it as an argument',
}

return {
    severity = 'error',
    summary = "a part of Lua that the sandbox leaves out: print, require, io, debug, os but for os.clock",
    why = [[Scripts reach neither files nor processes nor modules, and have no console. Reading print, require,
module, package, io, debug, dofile or loadfile stops the script: "Script attempted to access nonexistent global
variable 'print'". `os` has clock and nothing else, where it is there at all: os.time() fails with "attempt to call
field 'time' (a nil value)". What the script wrote before stays written.]],
    bad = [[local now = os.time()
return redis.call('SET', KEYS[1], now)]],
    good = [[local now = redis.call('TIME')[1]
return redis.call('SET', KEYS[1], now)]],
    check = function(lint)
        local function report(node, name)
            lint.report(node, ('The sandbox has no `%s`: %s'):format(name, INSTEAD[name] or 'no script may do that'))
        end

        -- `pcall(function() return print end)` asks whether it is there.
        local function asked(node)
            local parent = node.parent
            return parent.kind == 'return' and parent.parent.kind == 'function' and #parent.parent.body == 1
        end

        return {
            global = function(node, written)
                if INSTEAD[node.text] and not written and not asked(node) then
                    report(node, node.text)
                end
            end,
            member = function(node, name, written)
                if name:find('^os%.') and name ~= 'os.clock' then
                    report(node, name)
                end
            end,
        }
    end,
}
