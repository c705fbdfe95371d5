--[[
  A worker is done with a task, well or badly.

    KEYS[1] running (list)
    KEYS[2] done or failed (zset)
    KEYS[3] the task (hash)
    KEYS[4] events (stream)
    KEYS[5] suspects (set of ids that may be stuck)
    KEYS[6] settings (hash)
    KEYS[7] the minute's figures (hash)
    KEYS[8] figures of past minutes (list)

    ARGV[1] id
    ARGV[2] now, ms
    ARGV[3] "done" or "failed"
    ARGV[4] what it returned, or why it failed
    ARGV[5] prefix
    ARGV[6] cmsgpack: { token =, keep = { count =, age = }, tries =, minutes = }

  Answers 0, or
    -1 there is no such task      -2 its lock has expired
    -3 it is not running          -4 others have to be done first
    -5 another worker has it
]]
local rcall = redis.call

-- ---------------------------------------------------------------- lib/lock
local function unlock(task, id, token, suspects)
  if token == "" then
    return 0
  end
  local holder = rcall("GET", task .. ":lock")
  if holder == token then
    rcall("DEL", task .. ":lock")
    rcall("SREM", suspects, id)
    return 0
  end
  if holder then
    return -5
  end
  return -2
end

-- ---------------------------------------------------------------- lib/slices
-- Lua of the server takes a few thousand arguments at once, and no more.
local SLICE = 5000

local function in_slices(command, key, list)
  for first = 1, #list, SLICE do
    local last = math.min(first + SLICE - 1, #list)
    rcall(command, key, unpack(list, first, last))
  end
end

-- ---------------------------------------------------------------- lib/forget
local function forget(prefix, ids)
  for _, id in ipairs(ids) do
    local task = prefix .. id
    rcall("DEL", task, task .. ":log", task .. ":needs")
  end
end

local function drop_old(set, before, prefix, limit)
  local ids = rcall("ZRANGEBYSCORE", set, "-inf", "(" .. before, "LIMIT", 0, limit)
  if #ids > 0 then
    forget(prefix, ids)
    in_slices("ZREM", set, ids)
  end
end

local function drop_many(set, count, prefix)
  local surplus = rcall("ZCARD", set) - count
  if surplus > 0 then
    local ids = rcall("ZRANGE", set, 0, math.min(surplus, 1000) - 1)
    forget(prefix, ids)
    in_slices("ZREM", set, ids)
  end
end

-- ---------------------------------------------------------------- lib/figures
-- One number for each minute, the latest first; minutes in which nothing was done are 0.
local function count_one(figures, past, minutes, now)
  local minute = math.floor(now / 60000)
  local since = rcall("HGET", figures, "minute")
  if not since then
    rcall("HSET", figures, "minute", minute, "count", 1)
    return
  end
  local passed = math.min(minute - since, minutes)
  if passed > 0 then
    local line = {}
    for i = 1, passed - 1 do
      line[i] = 0
    end
    rcall("LPUSH", past, rcall("HGET", figures, "count"))
    if #line > 0 then
      in_slices("LPUSH", past, line)
    end
    rcall("LTRIM", past, 0, minutes - 1)
    rcall("HSET", figures, "minute", minute, "count", 0)
  end
  rcall("HINCRBY", figures, "count", 1)
end

-- ---------------------------------------------------------------- finish
local task, id, now, how, prefix = KEYS[3], ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[5]
local opts = cmsgpack.unpack(ARGV[6])

if rcall("EXISTS", task) == 0 then
  return -1
end
if rcall("SCARD", task .. ":needs") > 0 then
  return -4
end

local code = unlock(task, id, opts.token, KEYS[5])
if code < 0 then
  return code
end

if rcall("LREM", KEYS[1], -1, id) < 1 then
  return -3
end

local keep = opts.keep or {}
if keep.count == 0 then
  forget(prefix, { id })
else
  local field = how == "failed" and "reason" or "result"
  rcall("HSET", task, field, ARGV[4], "finished", now)
  rcall("ZADD", KEYS[2], now, id)
  if keep.age then
    drop_old(KEYS[2], now - keep.age * 1000, prefix, 1000)
  end
  if keep.count then
    drop_many(KEYS[2], keep.count, prefix)
  end
end

local length = rcall("HGET", KEYS[6], "events.keep") or 5000
rcall("XADD", KEYS[4], "MAXLEN", "~", length, "*", "what", how, "id", id, "value", ARGV[4])

if how == "failed" and opts.tries then
  local attempts = tonumber(rcall("HGET", task, "attempts") or 0)
  if attempts >= opts.tries then
    rcall("XADD", KEYS[4], "*", "what", "given up", "id", id, "attempts", attempts)
  end
end

if opts.minutes and opts.minutes > 0 then
  count_one(KEYS[7], KEYS[8], opts.minutes, now)
end

return 0
