--- bad at=3 says="DECRBY in line 1" setup="SET {t}1 50" live="NOUSER" only
redis.call('DECRBY', KEYS[1], ARGV[1])
if redis.call('EXISTS', KEYS[2]) == 0 then
  return redis.error_reply('NOUSER there is no such user')
end
redis.call('RPUSH', KEYS[2], ARGV[1])
--- bad at=5 says="earlier round" only
for i = 1, #KEYS do
  local stock = tonumber(redis.call('GET', KEYS[i]) or 0)
  local want = tonumber(ARGV[i]) or 0
  if stock < want then
    return redis.error_reply('SOLDOUT not enough of ' .. i)
  end
  redis.call('DECRBY', KEYS[i], want)
end
--- bad at=4
local amount = tonumber(ARGV[1])
redis.call('LPUSH', KEYS[1], ARGV[2])
if not amount then
  error('the amount is no number')
end
redis.call('INCRBY', KEYS[2], amount)
--- bad at=6
local function refuse(what)
  error('ERR ' .. what, 0)
end
redis.call('HSET', KEYS[1], 'state', 'taken')
if ARGV[2] == '' then
  refuse('no owner')
end
--- bad at=2 says="RENAME fails when there is no such key" live="no such key"
redis.call('INCR', KEYS[1])
return redis.call('RENAME', KEYS[2], KEYS[1])
--- bad at=2
redis.call('HSET', KEYS[1], 'owner', ARGV[2])
assert(tonumber(ARGV[3]), 'no number')
redis.call('EXPIRE', KEYS[1], ARGV[3])
--- bad kind=function at=5 live="NOUSER"
#!lua name=c
local function f(keys, args)
  redis.call('RPUSH', keys[1], args[1])
  if redis.call('EXISTS', keys[2]) == 0 then
    return {err = 'NOUSER there is no such user'}
  end
  return redis.call('INCR', keys[2])
end
redis.register_function('f', f)
--- good clean
if redis.call('EXISTS', KEYS[2]) == 0 then
  return redis.error_reply('NOUSER there is no such user')
end
redis.call('DECRBY', KEYS[1], ARGV[1])
redis.call('RPUSH', KEYS[2], ARGV[1])
--- good clean
local left = redis.call('DECRBY', KEYS[1], ARGV[1])
if left < 0 then
  redis.call('INCRBY', KEYS[1], ARGV[1])
  return redis.error_reply('SOLDOUT not so many')
end
return left
--- good clean
local n = redis.call('INCR', KEYS[1])
if n > 100 then
  return redis.error_reply('LIMIT too many')
end
return n
--- good clean
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) > 100 then
  return redis.error_reply('LIMIT too many')
end
return redis.call('ZADD', KEYS[1], ARGV[1], ARGV[2])
--- good clean
if not tonumber(ARGV[1]) then
  redis.call('INCR', KEYS[1])
  return redis.error_reply('ERR no number')
end
return redis.call('INCRBY', KEYS[2], ARGV[1])
--- good clean
for i = 1, #KEYS do
  if redis.call('EXISTS', KEYS[i]) == 0 then
    return redis.error_reply('NOKEY ' .. i)
  end
end
for i = 1, #KEYS do
  redis.call('INCR', KEYS[i])
end
--- good clean
if not redis.call('SET', KEYS[1], ARGV[2], 'NX', 'PX', 10000) then
  return redis.error_reply('BUSY somebody has it')
end
return redis.status_reply('OK')
--- good clean
if redis.call('EXISTS', KEYS[2]) == 1 then
  redis.call('INCR', KEYS[1])
  redis.call('RENAME', KEYS[2], KEYS[1])
end
--- good clean
if ARGV[2] == 'write' then
  redis.call('SET', KEYS[1], ARGV[1])
elseif ARGV[2] ~= 'read' then
  return redis.error_reply('ERR write or read')
end
return redis.call('GET', KEYS[1])
