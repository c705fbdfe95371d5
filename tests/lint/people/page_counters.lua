-- Counts a page view by minute, hour and day, and the visitors of the day.
-- KEYS[1] prefix of the page, e.g. "stats:{home}"
-- ARGV[1] unix time, ARGV[2] visitor, ARGV[3] load time in ms
local page = KEYS[1]
local now = tonumber(ARGV[1])

local spans = {
  { name = "m", seconds = 60, keep = 3600 * 2 },
  { name = "h", seconds = 3600, keep = 86400 * 2 },
  { name = "d", seconds = 86400, keep = 86400 * 40 },
}

local out = {}
for _, span in ipairs(spans) do
  local slot = math.floor(now / span.seconds)
  local key = page .. ":" .. span.name .. ":" .. slot
  local n = redis.call("INCR", key)
  if n == 1 then
    redis.call("EXPIRE", key, span.keep)
  end
  out[#out + 1] = n
end

local visitors = page .. ":v:" .. math.floor(now / 86400)
redis.call("PFADD", visitors, ARGV[2])
redis.call("EXPIRE", visitors, 86400 * 40)

local stat = page .. ":load"
redis.call("HINCRBY", stat, "count", 1)
local sum = redis.call("HINCRBYFLOAT", stat, "sum", ARGV[3])
local max = redis.call("HGET", stat, "max")
if not max or ARGV[3] > max then
  redis.call("HSET", stat, "max", ARGV[3])
end
local average = sum / redis.call("HGET", stat, "count")

return { out[1], out[2], out[3], redis.call("PFCOUNT", visitors), average }
