--- bad at=1:13 says="TIME" live="(error) ERR user_script:1:" live-valkey="attempt to call field 'time' (a nil value)" only
local now = os.time()
return redis.call('SET', KEYS[1], now)
--- bad at=1:1 says="redis.log" live="nonexistent global variable 'print'"
print('here')
return 1
--- bad at=1 says="own source" live="nonexistent global variable 'require'"
local json = require('cjson')
return json.encode({1})
--- bad at=1 live="nonexistent global variable 'io'"
local file = io.open('/etc/passwd')
return 1
--- bad at=1 live="nonexistent global variable 'debug'"
return debug.traceback()
--- bad at=1 live="nonexistent global variable 'dofile'"
return dofile('lib.lua')
--- bad at=1 live="nonexistent global variable 'loadfile'"
local chunk = loadfile('lib.lua')
return 1
--- bad at=1 says="argument" live-valkey="attempt to call field 'getenv' (a nil value)"
return os.getenv('HOME')
--- bad at=1 live-valkey="attempt to call field 'date' (a nil value)"
return os.date('%Y')
--- bad at=1 live="nonexistent global variable 'package'"
return package.path
--- bad at=3 live="nonexistent global variable 'print'"
#!lua name=noisy
redis.register_function('f', function(keys)
    print(keys[1])
    return 1
end)
--- bad at=2 live="nonexistent global variable 'require'"
#!lua name=parts
local part = require('part')
redis.register_function('f', part.run)
--- good clean live="(integer) 1"
redis.log(redis.LOG_NOTICE, 'here')
return 1
--- good clean
local now = redis.call('TIME')
return now[1]
--- good clean live="\"[1]\""
return cjson.encode({1})
--- good clean live="\"x\""
local print = function(text) return text end
return print('x')
--- good target=valkey-8.0 live-valkey="(integer) 1"
return os.clock() >= 0 and 1 or 0
--- good clean live="(integer) 1"
local t = {io = 1, debug = 2, require = 3}
return t.io
--- good clean live="\"print os.time() require\""
-- print(os.time())
return 'print os.time() require'
