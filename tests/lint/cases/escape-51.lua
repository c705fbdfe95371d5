--- bad at=1:9 live="\"x41\"" only
return '\x41'
--- bad at=1 live="\"u{e9}\"" only
return "\u{e9}"
--- bad at=1 live="z  b" only
return "a\z  b"
--- bad at=1 live="(integer) 3"
return redis.call('STRLEN', KEYS[1]) + #"\x00"
--- bad at=1 setup="SET {t}1 v" live="(nil)"
local separator = '\x3a'
return redis.call('GET', KEYS[1] .. separator .. 'count')
--- bad at=3
#!lua name=escapes
redis.register_function('f', function(keys, args)
    return redis.call('SET', keys[1], '\x1f' .. args[1])
end)
--- bad at=2
local function quoted(text)
    return "\u{201c}" .. text .. "\u{201d}"
end
return quoted(ARGV[1])
--- good clean live="\"A\""
return '\065'
--- good live="\"\\x41\""
return [[\x41]]
--- good live="\"\\x41\""
return '\\x41'
--- good live="(integer) 10"
return #'\a\b\f\n\r\t\v\\\"\''
--- good clean live="(integer) 1"
return #'\
'
--- good clean live="\"x41\""
-- '\x41' is another thing
return 'x41'
--- good clean live="\"a.b\""
return (('a.b'):gsub('%.', '.'))
