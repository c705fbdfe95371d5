-- A player's new score: best of all time, and of this season; answers the rank with its neighbours.
-- KEYS[1] all time (zset)
-- KEYS[2] season (zset)
-- KEYS[3] names (hash)
-- ARGV[1] player, ARGV[2] score, ARGV[3] display name, ARGV[4] season's end (unix time)
local alltime = KEYS[1]
local season = KEYS[2]
local player = ARGV[1]
local score = tonumber(ARGV[2])

if not score then
    return redis.error_reply('score must be a number')
end

local before = redis.call('ZREVRANK', season, player)
local best = redis.call('ZSCORE', alltime, player)

if best == nil then
    -- never played
    redis.call('HSET', KEYS[3], player, ARGV[3])
    best = 0
end

local improved = false
if best and score > tonumber(best) then
    improved = true
end

redis.call('ZADD', alltime, 'GT', score, player)
redis.call('ZADD', season, 'GT', score, player)
redis.call('EXPIREAT', season, ARGV[4])

local rank = redis.call('ZREVRANK', season, player)
local from = math.max(rank - 2, 0)
local around = redis.call('ZREVRANGE', season, from, rank + 2, 'WITHSCORES')

local rows = {}
for i = 1, #around, 2 do
    local name = redis.call('HGET', KEYS[3], around[i]) or 'anonymous'
    rows[#rows + 1] = { from + #rows + 1, around[i], name, around[i + 1] }
end

local moved = 0
if before then
    moved = before - rank
end

return { rank + 1, moved, improved, rows }
