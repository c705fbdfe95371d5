--[[
  Puts a task into a queue.

    KEYS[1] ready (list)
    KEYS[2] parked (list): takes the place of ready while the queue is paused
    KEYS[3] settings (hash)
    KEYS[4] serial (counter)
    KEYS[5] later (zset)
    KEYS[6] urgent (zset)
    KEYS[7] events (stream)

    ARGV[1] cmsgpack: { prefix, own id or "", name, now in ms, id of the task that waits for this one or nil }
    ARGV[2] payload, as JSON
    ARGV[3] cmsgpack: options { delay = ms, priority = 1..255, front = boolean, tries = n }

  Answers the task's id, or -1 if the task that should wait for it is not there.
]]
local rcall = redis.call

local READY, PARKED, SETTINGS, SERIAL = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local LATER, URGENT, EVENTS = KEYS[5], KEYS[6], KEYS[7]

local head = cmsgpack.unpack(ARGV[1])
local options = cmsgpack.unpack(ARGV[3])
local prefix, now, waiting = head[1], head[4], head[5]

-- ==== common/target.lua ====

-- Where tasks that can be worked on go, and if anybody is to be woken up.
local function target_list(settings, ready, parked)
  if rcall("HEXISTS", settings, "paused") == 1 then
    return parked, false
  end
  return ready, true
end

-- ==== common/events.lua ====

local function keep_events(settings)
  local n = rcall("HGET", settings, "events.keep")
  if not n then
    n = 5000
    rcall("HSET", settings, "events.keep", n)
  end
  return n
end

local function emit(stream, keep, what, id, ...)
  rcall("XADD", stream, "MAXLEN", "~", keep, "*", "what", what, "id", id, ...)
end

-- ==== common/task.lua ====

local function write_task(key, name, payload, opts, at, parent)
  local delay = opts.delay or 0
  local extra = {}
  if parent then
    extra = { "parent", parent }
  end
  if opts.tries then
    table.insert(extra, "tries")
    table.insert(extra, opts.tries)
  end
  rcall("HMSET", key, "name", name, "payload", payload, "options", cjson.encode(opts),
    "added", at, "delay", delay, unpack(extra))
  return delay, opts.priority or 0
end

-- A high priority first, and of one priority who came first.
local function urgency(priority, serial)
  return (256 - priority) * 4294967296 + serial % 4294967296
end

-- ==== add.lua ====

if waiting ~= nil and rcall("EXISTS", waiting) == 0 then
  return -1
end

local serial = rcall("INCR", SERIAL)
local keep = keep_events(SETTINGS)
local id = head[2]
if id == "" then
  id = serial
end
local task = prefix .. id

if head[2] ~= "" and rcall("EXISTS", task) == 1 then
  emit(EVENTS, keep, "duplicate", id)
  return id .. ""
end

local delay, priority = write_task(task, head[3], ARGV[2], options, now, waiting)
local list, awake = target_list(SETTINGS, READY, PARKED)

if delay > 0 then
  rcall("ZADD", LATER, now + delay, id)
  emit(EVENTS, keep, "later", id, "at", now + delay)
elseif priority > 0 then
  rcall("ZADD", URGENT, urgency(priority, serial), id)
  emit(EVENTS, keep, "urgent", id)
else
  local push = options.front and "RPUSH" or "LPUSH"
  rcall(push, list, id)
  emit(EVENTS, keep, "ready", id, "name", head[3])
end

if waiting then
  rcall("SADD", waiting .. ":needs", task)
end
if awake then
  rcall("PUBLISH", prefix .. "wake", id)
end

return id .. ""
