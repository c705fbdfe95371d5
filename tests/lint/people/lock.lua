-- A lock that its holder can take several times.
--
-- KEYS[1] the lock (hash: holder -> how often; `fence` is in KEYS[2])
-- KEYS[2] counter of fencing tokens
-- ARGV[1] acquire | release | extend | force
-- ARGV[2] who
-- ARGV[3] milliseconds
local action = ARGV[1]
local who = ARGV[2]
local lease = ARGV[3]

local function held_by_me()
  return redis.call("HEXISTS", KEYS[1], who) == 1
end

if action == "acquire" then
  if redis.call("EXISTS", KEYS[1]) == 0 then
    local fence = redis.call("INCR", KEYS[2])
    redis.call("HSET", KEYS[1], who, 1)
    redis.call("PEXPIRE", KEYS[1], lease)
    return {1, fence}
  end
  if held_by_me() then
    redis.call("HINCRBY", KEYS[1], who, 1)
    redis.call("PEXPIRE", KEYS[1], lease)
    return {1, tonumber(redis.call("GET", KEYS[2]))}
  end
  return {0, redis.call("PTTL", KEYS[1])}

elseif action == "release" then
  if not held_by_me() then
    return redis.error_reply("NOTHELD the lock is not yours")
  end
  local left = redis.call("HINCRBY", KEYS[1], who, -1)
  if left > 0 then
    redis.call("PEXPIRE", KEYS[1], lease)
    return left
  end
  redis.call("DEL", KEYS[1])
  redis.call("PUBLISH", KEYS[1], "free")
  return 0

elseif action == "extend" then
  if held_by_me() then
    return redis.call("PEXPIRE", KEYS[1], lease)
  end
  return 0

elseif action == "force" then
  return redis.call("DEL", KEYS[1])
end

return redis.error_reply("unknown action " .. tostring(action))
