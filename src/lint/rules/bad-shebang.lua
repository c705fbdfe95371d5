local FLAGS <const> = {
    ['no-writes'] = true, ['allow-oom'] = true, ['allow-stale'] = true, ['no-cluster'] = true,
    ['allow-cross-slot-keys'] = true,
}
local ALL_FLAGS <const> = 'no-writes, allow-oom, allow-stale, no-cluster, allow-cross-slot-keys'

-- Servers whose engine may be written in capitals in scripts, too; in libraries it may on all.
local ANY_CASE <const> = {['valkey-8.1'] = true, ['valkey-9.0'] = true, ['valkey-9.1'] = true}

return {
    severity = 'error',
    summary = 'a first line that servers do not take: engine, flags or name of the library',
    why = [[A script may begin with "#!lua", alone or with flags=..., a library must begin with "#!lua name=...". Servers
read that line word by word and refuse all they do not know: "Unexpected engine in script shebang", "Unknown lua shebang
option", "Unexpected flag in script shebang", "Missing library metadata", "Invalid metadata value given", "Library name
was not given". It must be the very first bytes: behind an empty line, a space or a byte order mark the `#` is a syntax
error. Flags of a library's functions are given when they are registered.]],
    bad = [[#!lua flags=nowrites
return redis.call('GET', KEYS[1])]],
    good = [[#!lua flags=no-writes
return redis.call('GET', KEYS[1])]],
    check = function(lint)
        local source = lint.source

        local function report(from, to, message)
            lint.report({offset = from, finish = math.min(to, #source)}, message)
        end

        -- Words as the server splits them, with where they are; nil: quotes that do not match.
        local function words(line)
            local list = {}
            local at = 1
            while true do
                at = line:find('[^ \t\r\v\f\n]', at)
                if not at then
                    return list
                end
                local from, text = at, {}
                while at <= #line and not line:find('^[ \t\r\v\f\n]', at) do
                    local quote = line:match('^["\']', at)
                    if quote then
                        local stop = line:find(quote, at + 1, true)
                        if not stop or line:find('^%S', stop + 1) then
                            return nil
                        end
                        text[#text + 1] = line:sub(at + 1, stop - 1)
                        at = stop + 1
                    else
                        text[#text + 1] = line:sub(at, at)
                        at = at + 1
                    end
                end
                list[#list + 1] = {text = table.concat(text), from = from, to = at - 1}
            end
        end

        local function misplaced()
            local before, line = source:match('^(\xef\xbb\xbf)(#!)')
            local from, mark = source:match('^[ \t\r\n]+()(#!%s*[Ll][Uu][Aa])')
            if before then
                report(1, 3, 'a byte order mark stands before `#!`, and servers take only the very first bytes: save the '
                    .. 'file without it')
            elseif from then
                report(from, from + #mark - 1, '`#!lua` stands behind space or empty lines, and servers take only the very '
                    .. 'first bytes: begin the source with it')
            end
            return line or from
        end

        local function judge_flags(word)
            local at = word.from + #'flags='
            for flag in (word.text:sub(#'flags=' + 1) .. ','):gmatch('([^,]*),') do
                if flag == '' and #word.text > #'flags=' then
                    report(word.from, word.to, 'a comma without a flag beside it: leave it out')
                elseif flag ~= '' and not FLAGS[flag] then
                    report(math.min(at, word.to), math.min(at + #flag - 1, word.to),
                        ('servers know no flag `%s`: write one of %s'):format(flag, ALL_FLAGS))
                end
                at = at + #flag + 1
            end
        end

        local function judge_engine(word)
            local engine = word.text:sub(3)
            if engine == '' then
                report(word.from, word.to, 'the engine must follow `#!` without space: write `#!lua`')
            elseif engine:lower() ~= 'lua' then
                report(word.from, word.to, ('no server has an engine `%s`: write `#!lua`'):format(engine))
            elseif engine ~= 'lua' and lint.kind == 'eval' then
                for target in pairs(lint.targets) do
                    if not ANY_CASE[target] then
                        return report(word.from, word.to, ('servers up to Valkey 8.0 and Redis know no engine `%s`: '
                            .. 'write `#!lua`'):format(engine))
                    end
                end
            end
        end

        local function judge_script(list)
            for i = 2, #list do
                local word = list[i]
                if word.text:sub(1, 6) == 'flags=' then
                    judge_flags(word)
                elseif list[1].text == '#!' then
                    break -- `#! lua` was told
                elseif word.text:sub(1, 5) == 'name=' then
                    report(word.from, word.to, 'a script has no name=, only a library of functions has: leave it out')
                else
                    report(word.from, word.to, ('servers know no `%s` here: write flags=... or nothing'):format(word.text))
                end
            end
        end

        local function judge_library(list, line)
            local named = false
            for i = 2, #list do
                local word = list[i]
                local name = word.text:lower():sub(1, 5) == 'name=' and word.text:sub(6)
                if name and named then
                    report(word.from, word.to, 'the name is given twice: leave one')
                elseif name and not name:find('^[%w_]+$') then
                    report(word.from, word.to, ('the name `%s` is refused: take letters, digits and _, at least one')
                        :format(name))
                elseif not name and word.text:sub(1, 6) == 'flags=' then
                    report(word.from, word.to, 'flags belong to functions: give them to redis.register_function')
                elseif not name and list[1].text ~= '#!' then
                    report(word.from, word.to, ('servers know no `%s` here: write name=... alone'):format(word.text))
                end
                named = named or name
            end
            if not named then
                report(1, #line, 'the library has no name: write `#!lua name=...`')
            end
        end

        local function judge()
            if misplaced() then
                return
            elseif source:sub(1, 2) ~= '#!' then
                if lint.kind == 'function' then
                    report(1, math.max(1, #source:match('^[^\r\n]*')),
                        'a library must begin with its name: write `#!lua name=...` as its first line')
                end
                return
            end
            local line = source:match('^[^\n]*')
            local list = words(line)
            if #line == #source then
                report(1, #line, 'nothing follows the first line, and servers refuse that: end it, and add the source')
            elseif not list then
                report(1, #line, 'the quotes in the first line do not match: leave them out')
            else
                judge_engine(list[1])
                local judge_rest = lint.kind == 'function' and judge_library or judge_script
                judge_rest(list, line:match('^(.-)%s*$'))
            end
        end

        judge()

        local told = false
        return {
            call = function(node)
                if lint.kind == 'eval' and not told and lint.builtin(node.callee) == 'redis.register_function' then
                    told = true
                    lint.report(node, 'only a library can register functions, and this is a script: begin it with '
                        .. '`#!lua name=...`, and FUNCTION LOAD it')
                end
            end,
        }
    end,
}
