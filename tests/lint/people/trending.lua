-- Trending topics: scores that halve every hour.
-- KEYS[1] scores, KEYS[2] meta
-- ARGV[1] topic, ARGV[2] weight, ARGV[3] now
local HALF_LIFE = 3600

local now = tonumber(ARGV[3])
local epoch = tonumber(redis.call("HGET", KEYS[2], "epoch"))
if not epoch then
  epoch = now
  redis.call("HSET", KEYS[2], "epoch", epoch)
end

-- instead of decaying all the others the new one counts for more
local boost = math.pow(2, (now - epoch) / HALF_LIFE)
local score = redis.call("ZINCRBY", KEYS[1], ARGV[2] * boost, ARGV[1])

-- before the numbers get too large everything is scaled down
if boost > 1e9 then
  local all = redis.call("ZRANGE", KEYS[1], 0, -1, "WITHSCORES")
  for i = 1, #all, 2 do
    local scaled = all[i + 1] / boost
    if scaled < 0.0001 then
      redis.call("ZREM", KEYS[1], all[i])
    else
      redis.call("ZADD", KEYS[1], scaled, all[i])
    end
  end
  redis.call("HSET", KEYS[2], "epoch", now)
end

-- keep the best thousand
redis.call("ZREMRANGEBYRANK", KEYS[1], 0, -1001)

local top = redis.call("ZREVRANGE", KEYS[1], 0, 9, "WITHSCORES")
local out = {}
for i = 1, #top, 2 do
  out[#out + 1] = { topic = top[i], score = top[i + 1] }
end
return cjson.encode({ top = out, score = score })
