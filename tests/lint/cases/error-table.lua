--- no-live: it ends the server
--- bad at=1 says="err" only
error({})
--- bad at=2
if #KEYS ~= 1 then
  error({code = 400, message = 'one key'})
end
--- bad at=2
local problem = {code = 1}
error(problem)
--- bad at=2
local function refuse(what)
  error({message = what})
end
if not ARGV[1] then
  refuse('no argument')
end
--- bad kind=function at=3
#!lua name=c
local function f()
  error({'not today'})
end
redis.register_function('f', f)
--- bad at=2
local fail = error
fail({ok = 'no'}, 0)
--- good clean live="(error) ERR x"
error({err = 'ERR x'})
--- good clean live="(error) ERR user_script:1: x"
error('x')
--- good clean live="(error) ERR x"
error(redis.error_reply('x'))
--- good clean live="(integer) 400"
local ok, problem = pcall(function() error({code = 400}) end)
return problem.code
--- good clean live="ERR no"
local problem = {}
problem.err = 'ERR no'
error(problem)
--- good
local reply = redis.pcall('INCR', KEYS[1], 'x')
error(reply)
--- bad target=valkey-9 at=1 says="unknown error"
error({code = 5})
