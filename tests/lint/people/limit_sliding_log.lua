-- Sliding window log for several windows at once, e.g. 10 per second and 1000 per hour.
--
-- KEYS[n]        sorted set of window n
-- ARGV[1]        request id
-- ARGV[2n]       window n in milliseconds
-- ARGV[2n + 1]   limit of window n
local id = ARGV[1]
local time = redis.call("TIME")
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local windows = {}
for i, key in ipairs(KEYS) do
  windows[i] = {
    key = key,
    span = tonumber(ARGV[i * 2]),
    limit = tonumber(ARGV[i * 2 + 1]),
  }
  if not windows[i].span or not windows[i].limit then
    return redis.error_reply("ERR window " .. i .. " has no span or no limit")
  end
end

-- first look at all of them, then take from all of them
local retry = 0
local left = nil
for _, w in ipairs(windows) do
  redis.call("ZREMRANGEBYSCORE", w.key, "-inf", now - w.span)
  local used = redis.call("ZCARD", w.key)
  if used >= w.limit then
    local oldest = redis.call("ZRANGE", w.key, 0, 0, "WITHSCORES")
    local wait = w.span
    if oldest[2] then
      wait = tonumber(oldest[2]) + w.span - now
    end
    if wait > retry then
      retry = wait
    end
  elseif left == nil or w.limit - used - 1 < left then
    left = w.limit - used - 1
  end
end

if retry > 0 then
  return {0, 0, math.ceil(retry)}
end

for _, w in ipairs(windows) do
  redis.call("ZADD", w.key, now, now .. ":" .. id)
  redis.call("PEXPIRE", w.key, w.span)
end

return {1, left or 0, 0}
