--- bad at=2 says="byte by byte" only setup="SET {t}1 9" live="(nil)"
local best = redis.call('GET', KEYS[1])
if not best or ARGV[1] > best then
  redis.call('SET', KEYS[1], ARGV[1])
  return ARGV[1]
end
return false
--- bad at=1 only live="\"less\""
if ARGV[1] < ARGV[3] then
  return 'less'
end
return 'more'
--- bad at=2
local low, high = redis.call('HGET', KEYS[1], 'low') or '0', ARGV[1]
if low <= high then
  return 1
end
return 0
--- bad at=1
if ARGV[1] >= '5' then
  return 1
end
return 0
--- bad at=3
local call = server and server.call or redis.call
local function newer(key, version)
  return (redis.call('GET', key) or '0') < version
end
if newer(KEYS[1], ARGV[1]) then
  call('SET', KEYS[1], ARGV[1])
end
--- bad at=2 says="strings"
local old = redis.call('HGET', KEYS[1], 'version')
if old and old > ARGV[1] then
  return redis.error_reply('STALE an older version')
end
redis.call('HSET', KEYS[1], 'version', ARGV[1])
return redis.status_reply('OK')
--- good clean
local best = redis.call('GET', KEYS[1])
if not best or tonumber(ARGV[1]) > tonumber(best) then
  redis.call('SET', KEYS[1], ARGV[1])
end
--- good clean
local function less(a, b)
  if #a ~= #b then
    return #a < #b
  end
  return a < b
end
return less(ARGV[1], ARGV[3]) and 1 or 0
--- good clean
local names = redis.call('HMGET', KEYS[1], 'a', 'b')
table.sort(names, function(a, b) return (a or '') < (b or '') end)
return names
--- good clean
if ARGV[1] == ARGV[3] then
  return 1
end
return 0
--- good clean
if ARGV[2] > 'm' then
  return 'the second half of the alphabet'
end
return 'the first'
--- good clean
local a, b = tonumber(ARGV[1]), tonumber(ARGV[3])
return a < b and 1 or 0
--- good clean
local id = string.match(ARGV[1], '^%d+')
local low = string.match(redis.call('GET', KEYS[1]) or '', '^%d+') or ''
return id and id < low and 1 or 0
