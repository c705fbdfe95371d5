-- Books seats of an event: either all that are asked for or none.
-- KEYS[1] seats (bitmap), KEYS[2] holds (zset of seat:owner by deadline), KEYS[3] free count
-- ARGV[1] owner, ARGV[2] deadline, ARGV[3...] seat numbers
local seats, holds, free = KEYS[1], KEYS[2], KEYS[3]
local owner, deadline = ARGV[1], ARGV[2]

-- give back what ran out
local t = redis.call('TIME')
local expired = redis.call('ZRANGEBYSCORE', holds, 0, t[1], 'LIMIT', 0, 100)
for i = 1, #expired do
    local seat = string.match(expired[i], '^(%d+):')
    redis.call('SETBIT', seats, seat, 0)
    redis.call('INCR', free)
    redis.call('ZREM', holds, expired[i])
end

local wanted = #ARGV - 2
if tonumber(redis.call('GET', free)) < wanted then
    return redis.error_reply('SOLDOUT not enough seats')
end

for i = 3, #ARGV do
    if redis.call('GETBIT', seats, ARGV[i]) == 1 then
        return redis.error_reply('TAKEN ' .. ARGV[i])
    end
    redis.call('SETBIT', seats, ARGV[i], 1)
    redis.call('ZADD', holds, deadline, ARGV[i] .. ':' .. owner)
end
redis.call('DECRBY', free, wanted)

return redis.call('GET', free)
