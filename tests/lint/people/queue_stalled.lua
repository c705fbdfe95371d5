--[[
  Finds tasks whose worker is gone: they run, but nobody renewed their lock since the last look.

    KEYS[1] suspects (set)   KEYS[2] ready (list)    KEYS[3] running (list)
    KEYS[4] failed (zset)    KEYS[5] last look       KEYS[6] events (stream)

    ARGV[1] how often a task may get stuck     ARGV[2] prefix
    ARGV[3] now (ms)                           ARGV[4] ms between two looks

  Answers { ids that failed, ids that go on }
]]
local rcall = redis.call
local suspects, ready, running, failed = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local prefix, now = ARGV[2], ARGV[3]
local allowed = tonumber(ARGV[1])

-- Another worker has just looked.
if not rcall("SET", KEYS[5], now, "PX", ARGV[4], "NX") then
  return { {}, {} }
end

local given_up, goes_on = {}, {}

local function stuck(id)
  local task = prefix .. id
  if rcall("EXISTS", task .. ":lock") == 1 then
    return
  end
  -- finished in between
  if rcall("LREM", running, 1, id) == 0 then
    return
  end
  local times = rcall("HINCRBY", task, "stuck", 1)
  if times > allowed then
    rcall("HSET", task, "reason", "stuck " .. times .. " times", "finished", now)
    rcall("ZADD", failed, now, id)
    rcall("XADD", KEYS[6], "*", "what", "failed", "id", id)
    given_up[#given_up + 1] = id
  else
    rcall("RPUSH", ready, id)
    rcall("XADD", KEYS[6], "*", "what", "stuck", "id", id, "times", times)
    goes_on[#goes_on + 1] = id
  end
end

for _, id in ipairs(rcall("SMEMBERS", suspects)) do
  stuck(id)
end
rcall("DEL", suspects)

-- Who runs now is looked at next time.
local runs = rcall("LRANGE", running, 0, -1)
for i = 1, #runs, 1000 do
  rcall("SADD", suspects, unpack(runs, i, math.min(i + 999, #runs)))
end

return { given_up, goes_on }
