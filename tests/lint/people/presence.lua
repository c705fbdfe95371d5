-- Who is online. Heartbeats come every few seconds; who is silent for a minute is gone.
-- KEYS[1] online (zset), KEYS[2] rooms of the user (set), KEYS[3] changes (pub/sub channel's name)
-- ARGV[1] user, ARGV[2] status, ARGV[3] now in ms
local online, rooms = KEYS[1], KEYS[2]
local user, status, now = ARGV[1], ARGV[2], tonumber(ARGV[3])
local TIMEOUT = 60 * 1000

local gone = redis.call('ZRANGEBYSCORE', online, '-inf', now - TIMEOUT)
if #gone > 0 then
    redis.call('ZREMRANGEBYSCORE', online, '-inf', now - TIMEOUT)
    for _, name in ipairs(gone) do
        redis.call('PUBLISH', KEYS[3], cjson.encode({ user = name, status = 'offline' }))
    end
end

local was = redis.call('ZSCORE', online, user)
if status == 'offline' then
    redis.call('ZREM', online, user)
else
    redis.call('ZADD', online, now, user)
end

if was == false and status ~= 'offline' then
    redis.call('PUBLISH', KEYS[3], cjson.encode({ user = user, status = status }))
    redis.call('SADD', rooms, 'lobby')
elseif was and status == 'offline' then
    redis.call('PUBLISH', KEYS[3], cjson.encode({ user = user, status = status }))
    redis.call('DEL', rooms)
end

return { redis.call('ZCARD', online), #gone, redis.call('SMEMBERS', rooms) }
