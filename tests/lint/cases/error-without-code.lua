--- bad at=1 says="'My'" live="(error) My error" only
return redis.error_reply('My error')
--- bad at=1 says="'no'" live="(error) no such job" only
return {err = 'no such job'}
--- bad at=1 says="not NOTFOUND" live="(error) ERR NOTFOUND" only
return redis.error_reply('NOTFOUND')
--- bad at=1 live="(error) limit of 5 reached"
return redis.error_reply(string.format('limit of %d reached', 5))
--- bad at=1 live="(error) unknown mode 10"
return redis.error_reply('unknown mode ' .. ARGV[1])
--- bad at=1 live="(error) wrong arguments"
error({err = 'wrong arguments'})
--- bad at=2 live="(error) Not enough"
local fail = redis.error_reply
return fail('Not enough')
--- bad kind=function at=3 live="(error) too many"
#!lua name=c
local function f()
  return redis.error_reply('too many')
end
redis.register_function('f', f)
--- good clean live="(error) NOJOB there is none"
return redis.error_reply('NOJOB there is none')
--- good clean live="(error) ERR none"
return redis.error_reply('ERR none')
--- good clean live="(error) ERR none"
return redis.error_reply('none')
--- good clean live="(error) NOTFOUND"
return {err = 'NOTFOUND'}
--- good clean live="(error) ERR user_script:1: no such job"
error('no such job')
--- good clean live="(error) NOJOB 10"
return redis.error_reply('NOJOB ' .. ARGV[1])
--- good clean live="(error) WRONG-MODE x"
return redis.error_reply('-WRONG-MODE x')
--- good clean
local reply = redis.pcall('INCR', KEYS[1])
if type(reply) == 'table' and reply.err then
  return redis.error_reply(reply.err)
end
return reply
