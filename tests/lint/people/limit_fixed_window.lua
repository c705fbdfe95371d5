-- Requests per window; some requests cost more than one.
-- KEYS[1] counter
-- ARGV[1] most in a window, ARGV[2] seconds a window has, ARGV[3] what this one costs
local most = tonumber(ARGV[1])
local seconds = tonumber(ARGV[2])
local cost = ARGV[3]

local used = redis.call('GET', KEYS[1])
if used and used + cost > most then
    -- no room: tell the client when to come back
    return { 0, 0, redis.call('TTL', KEYS[1]) }
end

used = redis.call('INCRBY', KEYS[1], cost)
if used == cost then
    -- the window begins
    redis.call('EXPIRE', KEYS[1], seconds)
end

return { 1, most - used, redis.call('TTL', KEYS[1]) }
