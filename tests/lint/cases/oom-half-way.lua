--- bad at=2 says="SADD in line 1" config="maxmemory 1" live="(integer) 0"
redis.pcall('SADD', KEYS[1], ARGV[1])
return redis.call('LREM', KEYS[2], 1, ARGV[1])
--- bad at=4
local done = redis.pcall('HSET', KEYS[1], 'state', 'done')
local id = ARGV[2]
if done then
  redis.call('XACK', KEYS[2], 'group', id)
end
--- bad at=3
for i = 1, #ARGV do
  redis.pcall('RPUSH', KEYS[1], ARGV[i])
  redis.call('SREM', KEYS[2], ARGV[i])
end
--- bad at=3
local try, call = redis.pcall, redis.call
try('INCR', KEYS[1])
return call('DEL', KEYS[2])
--- bad at=3
redis.pcall('SET', KEYS[1], ARGV[1])
if ARGV[2] == 'abc' then
  redis.pcall('LPOP', KEYS[2])
end
--- good clean
redis.call('SADD', KEYS[1], ARGV[1])
redis.call('LREM', KEYS[2], 1, ARGV[1])
--- good
#!lua
redis.pcall('SADD', KEYS[1], ARGV[1])
redis.call('LREM', KEYS[2], 1, ARGV[1])
--- good clean
local reply = redis.pcall('SADD', KEYS[1], ARGV[1])
if type(reply) == 'table' and reply.err then
  return reply
end
return redis.call('LREM', KEYS[2], 1, ARGV[1])
--- good config="maxmemory 1" setup="RPUSH {t}2 10" live="(integer) 1"
redis.call('LREM', KEYS[2], 1, ARGV[1])
return redis.pcall('SADD', KEYS[1], ARGV[1])
--- good
redis.pcall('LREM', KEYS[2], 1, ARGV[1])
redis.call('DEL', KEYS[1])
--- good
redis.pcall('SADD', KEYS[1], ARGV[1])
redis.pcall('SADD', KEYS[2], ARGV[1])
