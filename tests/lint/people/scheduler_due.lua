-- Everything that is due goes to the work list.
local due = redis.call('ZRANGEBYSCORE', KEYS[1], 0, ARGV[1])
if #due > 0 then
  redis.call('ZREM', KEYS[1], unpack(due))
  redis.call('RPUSH', KEYS[2], unpack(due))
end

-- Those that repeat are planned again. Payload: "<every>|<name>"
local again = 0
for i = 1, #due do
  local every, name = string.match(due[i], '^(%d+)|(.+)$')
  if every and every > '0' then
    redis.call('ZADD', KEYS[1], tonumber(ARGV[1]) + tonumber(every), due[i])
    redis.call('HINCRBY', KEYS[3], name, 1)
    again = again + 1
  end
end

return { #due, again }
