-- Puts a player into the pool and looks for opponents of about the same rating.
-- KEYS[1] pool (zset by rating), KEYS[2] since (hash), KEYS[3] matches (stream)
-- ARGV[1] player, ARGV[2] rating, ARGV[3] team size, ARGV[4] now
local player, rating, size, now = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])

redis.call("ZADD", KEYS[1], rating, player)
redis.call("HSETNX", KEYS[2], player, now)

local waited = now - redis.call("HGET", KEYS[2], player)
-- who waits takes what comes
local window = math.min(50 + waited * 10, 1000)

local candidates = redis.call("ZRANGEBYSCORE", KEYS[1], rating - window, rating + window, "WITHSCORES")
if #candidates / 2 < size * 2 then
  return false
end

local list = {}
for i = 1, #candidates, 2 do
  list[#list + 1] = { name = candidates[i], distance = math.abs(candidates[i + 1] - rating) }
end
table.sort(list, function(a, b)
  return a.distance < b.distance
end)

local chosen = {}
for i = 1, size * 2 do
  chosen[i] = list[i].name
end

redis.call("ZREM", KEYS[1], unpack(chosen))
redis.call("HDEL", KEYS[2], unpack(chosen))
local id = redis.call("XADD", KEYS[3], "MAXLEN", "~", 1000, "*", "players", table.concat(chosen, ","))
return { id, chosen, window }
