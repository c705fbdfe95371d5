--[[
  Hands the next task to a worker.

    KEYS[1] ready      KEYS[2] running    KEYS[3] urgent    KEYS[4] later
    KEYS[5] events     KEYS[6] settings   KEYS[7] throttle

    ARGV[1] prefix     ARGV[2] now (ms)   ARGV[3] worker's token
    ARGV[4] ms the lock is for            ARGV[5] most per period, or ""
    ARGV[6] period in ms, or ""

  Answers { fields of the task, its id, ms to hold back, time of the next delayed task }
]]
local rcall = redis.call
local now = tonumber(ARGV[2])
local most = tonumber(ARGV[5])

-- include: promote.lua
local function promote(later, ready, upto, prefix, events)
    local ids = rcall("ZRANGEBYSCORE", later, "-inf", upto, "LIMIT", 0, 500)
    if #ids == 0 then
        return 0
    end
    rcall("ZREM", later, unpack(ids))
    rcall("LPUSH", ready, unpack(ids))
    for i = 1, #ids do
        rcall("HSET", prefix .. ids[i], "delay", 0)
        rcall("XADD", events, "*", "what", "ready", "id", ids[i])
    end
    return #ids
end

-- include: throttle.lua
local function hold_back(key, max)
    if not max then
        return 0
    end
    local used = tonumber(rcall("GET", key) or "0")
    if used < max then
        return 0
    end
    return math.max(rcall("PTTL", key), 0)
end

-- include: next_due.lua
local function next_due(later)
    local first = rcall("ZRANGE", later, 0, 0, "WITHSCORES")
    if #first > 0 then
        return math.floor(tonumber(first[2]))
    end
end

-- include: start.lua
local function start(id)
    local task = ARGV[1] .. id
    if most then
        local n = rcall("INCR", KEYS[7])
        if n == 1 then
            rcall("PEXPIRE", KEYS[7], ARGV[6])
        end
    end
    if ARGV[3] ~= "" then
        rcall("SET", task .. ":lock", ARGV[3], "PX", ARGV[4])
    end
    rcall("HSET", task, "started", now)
    rcall("HINCRBY", task, "attempts", 1)
    rcall("XADD", KEYS[5], "*", "what", "running", "id", id)
    return { rcall("HGETALL", task), id, 0, 0 }
end

promote(KEYS[4], KEYS[1], now, ARGV[1], KEYS[5])

if rcall("HEXISTS", KEYS[6], "paused") == 1 then
    return { 0, 0, 0, 0 }
end

local wait = hold_back(KEYS[7], most)
if wait > 0 then
    return { 0, 0, wait, 0 }
end

local first = rcall("ZPOPMIN", KEYS[3])
if first[1] then
    rcall("LPUSH", KEYS[2], first[1])
    return start(first[1])
end

local id = rcall("RPOPLPUSH", KEYS[1], KEYS[2])
if id then
    return start(id)
end

-- nothing for now
local due = next_due(KEYS[4])
return { nil, nil, 0, due }
