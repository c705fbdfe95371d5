-- Circuit breaker: closed -> open after too many failures -> half-open after a while.
-- KEYS[1] state hash
-- ARGV[1] "ask" | "ok" | "fail", ARGV[2] threshold, ARGV[3] open for (s), ARGV[4] now
local key = KEYS[1]
local event = ARGV[1]
local threshold = tonumber(ARGV[2])
local open_for = tonumber(ARGV[3])
local now = tonumber(ARGV[4])

local state = redis.call('HGET', key, 'state') or 'closed'
local since = tonumber(redis.call('HGET', key, 'since') or '0')

local function change(to)
    state = to
    redis.call('HSET', key, 'state', to, 'since', now)
    redis.call('HDEL', key, 'failures', 'probe')
end

if state == 'open' and now - since >= open_for then
    change('half-open')
end

if event == 'ask' then
    if state == 'closed' then
        return 'go'
    elseif state == 'open' then
        return 'stop'
    end
    -- half open: one may try
    if redis.call('HSETNX', key, 'probe', now) then
        return 'go'
    end
    return 'stop'
elseif event == 'ok' then
    if state ~= 'closed' then
        change('closed')
    else
        redis.call('HSET', key, 'failures', 0)
    end
elseif event == 'fail' then
    if state == 'half-open' then
        change('open')
    else
        local n = redis.call('HINCRBY', key, 'failures', 1)
        if n >= threshold then
            change('open')
        end
    end
end

redis.call('EXPIRE', key, open_for * 10)
return state
