-- Token bucket
--   KEYS[1]  bucket: hash with `level` and `at`
--   ARGV[1]  tokens that are added in a second
--   ARGV[2]  size of the bucket
--   ARGV[3]  tokens wanted
--   ARGV[4]  now in seconds, may have a fraction (default: clock of redis)
-- Returns { allowed, tokens that are left, seconds until there are enough }
local bucket = KEYS[1]
local rate, size, want = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])

local now = tonumber(ARGV[4])
if not now then
  local t = redis.call("TIME")
  now = t[1] + t[2] / 1000000
end

local state = redis.call("HMGET", bucket, "level", "at")
local level = tonumber(state[1])
local at = tonumber(state[2])

if level == nil then
  level = size
  at = now
end

-- what dripped in since then
if now > at then
  level = math.min(size, level + (now - at) * rate)
end

local allowed, wait = 0, 0
if level >= want then
  level = level - want
  allowed = 1
else
  wait = (want - level) / rate
end

redis.call("HMSET", bucket, "level", level, "at", now)
redis.call("EXPIRE", bucket, math.ceil(size / rate) + 1)

return { allowed, level, wait }
