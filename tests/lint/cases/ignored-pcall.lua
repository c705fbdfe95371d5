--- bad at=1 says="redis.pcall(HSET)" setup="SET {t}1 x" live="(integer) 0" only
redis.pcall('HSET', KEYS[1], 'state', 'done')
return redis.call('HLEN', KEYS[2])
--- bad at=1 says="`reply.err`"
local reply = redis.pcall('INCR', KEYS[1])
return 'done'
--- bad at=1 only
pcall(redis.call, 'INCR', KEYS[1])
return 1
--- bad at=1
local reply = redis.pcall('GET', KEYS[1])
if not reply then
  return 'none'
end
return 'some'
--- bad at=2
local try = redis.pcall
try('DEL', KEYS[1])
--- bad at=4
local function work()
  return redis.call('INCR', KEYS[1])
end
pcall(work)
return 'done'
--- bad kind=function at=3
#!lua name=c
local function f(keys)
  redis.pcall('INCR', keys[1])
  return 1
end
redis.register_function('f', f)
--- good clean
local reply = redis.pcall('HSET', KEYS[1], 'state', 'done')
if type(reply) == 'table' and reply.err then
  return reply
end
return redis.call('HLEN', KEYS[1])
--- good clean
return redis.pcall('INCR', KEYS[1])
--- good clean
local reply = redis.pcall('INCR', KEYS[1])
return reply
--- good clean
local ok = pcall(redis.call, 'INCR', KEYS[1])
if not ok then
  return redis.error_reply('ERR no counter')
end
return 1
--- good clean
local answers = {}
for i = 1, #KEYS do
  answers[i] = redis.pcall('INCR', KEYS[i])
end
return answers
--- good clean
local function is_error(reply)
  return type(reply) == 'table' and reply.err ~= nil
end
local reply = redis.pcall('INCR', KEYS[1])
return is_error(reply) and 0 or 1
--- good clean
local reply = redis.pcall('INCR', KEYS[1])
if reply['err'] then
  return redis.error_reply(reply['err'])
end
return 1
--- good clean
redis.call('INCR', KEYS[1])
--- good
redis.pcall('XGROUP', 'CREATE', KEYS[1], 'workers', '$', 'MKSTREAM')
return redis.call('XLEN', KEYS[1])
