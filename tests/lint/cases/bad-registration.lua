--- bad at=2 says="no flag `readonly`" live="unknown flag given" only
#!lua name=mylib
redis.register_function{function_name = 'f', flags = {'readonly'}, callback = function(keys, args) return 1 end}
--- bad at=2 says="`f-g` is refused" live="names can only contain letters, numbers, or underscores" only
#!lua name=mylib
redis.register_function('f-g', function(keys, args) return 1 end)
--- bad at=2 says="{function_name" live="wrong number of arguments to" only
#!lua name=mylib
redis.register_function('f', function(keys, args) return 1 end, {'no-writes'})
--- bad at=2 says="no callback" live="must get a callback argument" only
#!lua name=mylib
redis.register_function{function_name = 'f'}
--- bad at=2 says="`flag` is nothing" live="unknown argument given to" only
#!lua name=mylib
redis.register_function{function_name = 'f', callback = function(keys, args) return 1 end, flag = {'no-writes'}}
--- bad at=2 says="must be a table" live="flags argument to" only
#!lua name=mylib
redis.register_function{function_name = 'f', callback = function(keys, args) return 1 end, flags = 'no-writes'}
--- bad at=4 says="registered before" live="Function already exists in the library" only
#!lua name=mylib
local function f(keys, args) return 1 end
redis.register_function('f', f)
redis.register_function('f', f)
--- bad at=2 says="no function" live="second argument to" only
#!lua name=mylib
redis.register_function('f', 'f')
--- bad at=3 live="unknown flag given" only
#!lua name=mylib
local flags = {'no-writes',
    'read-only'}
redis.register_function{function_name = 'f', callback = function(keys, args) return 1 end, flags = flags}
--- good clean
#!lua name=mylib
redis.register_function('f', function(keys, args) return 1 end)
--- good clean
#!lua name=mylib
redis.register_function{function_name = 'f', flags = {'NO-WRITES', 'allow-stale'}, callback = function() return 1 end}
--- good clean
#!lua name=mylib
local function f(keys, args) return 1 end
redis.register_function{Function_Name = 'f', callback = f, description = 'one', flags = {}}
--- good clean
#!lua name=mylib
local register = redis.register_function
local function f(keys, args) return 1 end
register('a', f)
register('b', f)
--- good clean
#!lua name=mylib
local function f(keys, args) return 1 end
local options = {callback = f}
options.function_name = 'f'
redis.register_function(options)
--- good clean
local redis = {register_function = function(name) return name end}
return redis.register_function('f-g')
