-- Lets a message through once.
-- KEYS[1] seen marker, KEYS[2] counters (hash), KEYS[3] queue
-- ARGV[1] message id, ARGV[2] seconds to remember, ARGV[3] message
local seen = KEYS[1]
local ttl = tonumber(ARGV[2])

if not ttl or ttl <= 0 then
  return redis.error_reply("ERR ttl must be positive")
end

local fresh = redis.call("SET", seen, ARGV[1], "NX", "EX", ttl)
if not fresh then
  local other = redis.call("GET", seen)
  redis.call("HINCRBY", KEYS[2], "duplicates", 1)
  if other ~= ARGV[1] then
    -- two messages with the same content
    redis.call("HINCRBY", KEYS[2], "collisions", 1)
  end
  return 0
end

redis.call("HINCRBY", KEYS[2], "unique", 1)
local length = redis.call("RPUSH", KEYS[3], ARGV[3])

-- statistics are only needed by day
local day = redis.call("TIME")[1]
day = day - day % 86400
redis.call("HSET", KEYS[2], "day", day)

return length
