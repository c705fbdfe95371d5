-- Readers-writer lock with leases.
-- KEYS[1] readers (zset: name -> lease end), KEYS[2] writer (string), KEYS[3] waiting writers (list)
-- ARGV[1] op, ARGV[2] name, ARGV[3] lease ms
local readers, writer, waiting = KEYS[1], KEYS[2], KEYS[3]
local op, name, lease = ARGV[1], ARGV[2], tonumber(ARGV[3])

local function now_ms()
  local t = redis.call("TIME")
  return t[1] * 1000 + math.floor(t[2] / 1000)
end

local function active_readers(now)
  redis.call("ZREMRANGEBYSCORE", readers, "-inf", "(" .. now)
  return redis.call("ZCARD", readers)
end

local ops = {}

function ops.read_lock()
  local now = now_ms()
  local holder = redis.call("GET", writer)
  if holder and holder ~= name then
    return {0, redis.call("PTTL", writer)}
  end
  -- let writers in that wait
  if redis.call("LLEN", waiting) > 0 and not redis.call("ZSCORE", readers, name) then
    return {0, 50}
  end
  redis.call("ZADD", readers, now + lease, name)
  redis.call("PEXPIRE", readers, lease * 2)
  return {1, 0}
end

function ops.read_unlock()
  return redis.call("ZREM", readers, name)
end

function ops.write_lock()
  local now = now_ms()
  local holder = redis.call("GET", writer)
  if holder == name then
    redis.call("PEXPIRE", writer, lease)
    return {1, 0}
  end
  if holder or active_readers(now) > 0 then
    if not redis.call("LPOS", waiting, name) then
      redis.call("RPUSH", waiting, name)
      redis.call("PEXPIRE", waiting, lease)
    end
    return {0, holder and redis.call("PTTL", writer) or 50}
  end
  local first = redis.call("LINDEX", waiting, 0)
  if first and first ~= name then
    return {0, 50}
  end
  redis.call("LREM", waiting, 0, name)
  redis.call("SET", writer, name, "PX", lease)
  return {1, 0}
end

function ops.write_unlock()
  if redis.call("GET", writer) == name then
    return redis.call("DEL", writer)
  end
  return 0
end

local f = ops[op]
if not f then
  return redis.error_reply("ERR unknown op '" .. op .. "'")
end
return f()
