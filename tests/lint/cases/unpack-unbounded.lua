--- bad at=2 says="SMEMBERS"
local members = redis.call('SMEMBERS', KEYS[1])
redis.call('DEL', unpack(members))
--- bad at=1 says="LRANGE"
return redis.call('SADD', KEYS[2], unpack(redis.call('LRANGE', KEYS[1], 0, -1)))
--- bad at=3
local call = redis.call
local due = call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
if #due > 0 then call('RPUSH', KEYS[2], unpack(due)) end
return #due
--- bad at=6 says="grows with what HGETALL answers"
local kept = redis.call('HGETALL', KEYS[1])
local names = {}
for i = 1, #kept, 2 do
  names[#names + 1] = kept[i]
end
redis.call('HDEL', KEYS[1], unpack(names))
--- bad at=1 says="who calls"
return redis.call('RPUSH', KEYS[1], unpack(ARGV))
--- bad at=6 says="SMEMBERS"
local names = {}
for _, name in ipairs(redis.call('SMEMBERS', KEYS[1])) do
  table.insert(names, name)
end
local push = unpack
redis.call('RPUSH', KEYS[2], push(names))
--- bad at=1 says="who calls" live="too many results to unpack"
for i = 1, 9000 do ARGV[i] = i end return redis.call('RPUSH', KEYS[1], unpack(ARGV))
--- good
local members = redis.call('SMEMBERS', KEYS[1])
for i = 1, #members, 1000 do
  redis.call('SREM', KEYS[1], unpack(members, i, math.min(i + 999, #members)))
end
--- good clean
local first = redis.call('LRANGE', KEYS[1], 0, 99)
if #first > 0 then
  redis.call('RPUSH', KEYS[2], unpack(first))
end
--- good clean
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 100)
if #due > 0 then
  redis.call('RPUSH', KEYS[2], unpack(due))
end
--- good clean
local last = redis.call('LRANGE', KEYS[1], -10, -1)
return #last > 0 and redis.call('RPUSH', KEYS[2], unpack(last)) or 0
--- good
local words = {'SET', KEYS[1], 'x'}
words[#words + 1] = 'NX'
return redis.call(unpack(words))
--- good clean
if #ARGV > 1000 then
  return redis.error_reply('ERR not more than 1000 at once')
end
return redis.call('RPUSH', KEYS[1], unpack(ARGV))
--- good clean
local batch, count = {}, 0
for i, value in ipairs(ARGV) do
  batch[#batch + 1] = value
  if #batch >= 100 then
    count = redis.call('RPUSH', KEYS[1], unpack(batch))
    batch = {}
  end
end
return count
--- good clean
local found = redis.call('HMGET', KEYS[1], 'a', 'b')
local a, b = unpack(found)
return a or b
--- good clean
for _, each in ipairs(ARGV) do
  local words = {}
  words[1], words[2] = each, each
  redis.call('RPUSH', KEYS[1], unpack(words))
end
--- good clean
return redis.call('DEL', unpack(KEYS))
