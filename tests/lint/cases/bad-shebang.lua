--- bad at=1:13 says="no flag `nowrites`" live="Unexpected flag in script shebang: nowrites" only
#!lua flags=nowrites
return redis.call('GET', KEYS[1])
--- bad at=1 says="engine `lua51`" live-redis="Unexpected engine in script shebang" live-valkey="engine" only
#!lua51
return 1
--- bad at=1 says="without space" live-redis="Unexpected engine in script shebang" live-valkey="shebang" only
#! lua
return 1
--- bad at=1 says="`foo=bar`" live="Unknown lua shebang option: foo=bar" only
#!lua foo=bar
return 1
--- bad kind=eval at=1 says="no name=" live="Unknown lua shebang option: name=mylib" only
#!lua name=mylib
return 1
--- bad at=1 says="very first bytes" live="unexpected symbol near '#'"
 #!lua flags=no-writes
return 1
--- bad at=2 says="very first bytes" live="unexpected symbol near '#'"

#!lua flags=no-writes
return 1
--- bad at=1 says="byte order mark" live="unexpected symbol near"
﻿#!lua flags=no-writes
return 1
--- bad at=1 says="comma" live="Unexpected flag in script shebang" only
#!lua flags=no-writes,
return 1
--- bad at=1 says="`no-writes` here" live="Unknown lua shebang option: no-writes" only
#!lua flags= no-writes
return 1
--- bad at=1:23 says="no flag `no-write`" live="Unexpected flag in script shebang: no-write" only
#!lua flags=allow-oom,no-write
return 1
--- bad kind=function at=1 says="first line" live="Missing library metadata" only
redis.register_function('f', function(keys, args) return 1 end)
--- bad kind=function at=1 says="no name" live="Library name was not given" only
#!lua
redis.register_function('f', function(keys, args) return 1 end)
--- bad at=1 says="`my-lib` is refused" live="Library names can only contain letters, numbers, or underscores" only
#!lua name=my-lib
redis.register_function('f', function(keys, args) return 1 end)
--- bad at=1 says="redis.register_function" live="Invalid metadata value given: flags=no-writes" only
#!lua name=mylib flags=no-writes
redis.register_function('f', function(keys, args) return 1 end)
--- bad at=1 says="twice" live="name argument was given multiple times" only
#!lua name=a name=b
redis.register_function('f', function(keys, args) return 1 end)
--- bad kind=function at=1 says="engine `js`" live="Engine 'js' not found" only
#!js name=mylib
redis.register_function('f', function(keys, args) return 1 end)
--- bad kind=eval at=1 says="only a library" live="register_function"
redis.register_function('f', function(keys, args) return 1 end)
--- bad target=redis-7.0 at=1 says="engine `LUA`" live-redis="Unexpected engine in script shebang" only
#!LUA
return 1
--- bad at=1 says="`/usr/bin/lua`" live-redis="Unexpected engine in script shebang" live-valkey="engine" only
#!/usr/bin/lua
return 1
--- bad at=1 says="quotes" live="ERR" only
#!lua "flags=no-writes
return 1
--- good clean
#!lua
return 1
--- good clean
#!lua flags=no-writes,allow-stale flags=allow-oom
return 1
--- good clean
return redis.call('GET', KEYS[1]) -- #!lua flags=nowrites
--- good clean
#!lua name=my_lib
redis.register_function('f', function(keys, args) return 1 end)
--- good kind=function clean
#!LUA NAME=mylib
redis.register_function('f', function(keys, args) return 1 end)
--- good clean
#!lua flags=
return 1
--- good clean
#!lua "flags=no-cluster,allow-cross-slot-keys"
return 1
--- good target=valkey-9 clean
#!LUA
return 1
--- good clean
local text = [[
#!lua nonsense
]]
return text
