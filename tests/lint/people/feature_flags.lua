-- Changes a feature flag and tells everybody about it; or evaluates one for a user.
-- KEYS[1] flags (hash of JSON), KEYS[2] version, KEYS[3] audit (list)
-- ARGV[1] "set" | "get" | "evaluate", ARGV[2] flag, ARGV[3] JSON or user, ARGV[4] author
local flags, versionKey, audit = KEYS[1], KEYS[2], KEYS[3]
local op, name = ARGV[1], ARGV[2]

-- FNV-1a, good enough for a percentage
local function hash(text)
  local h = 2166136261
  for i = 1, #text do
    h = bit.bxor(h, string.byte(text, i))
    h = bit.tobit(h * 403)
  end
  return h % 100
end

if op == "set" then
  local flag = cjson.decode(ARGV[3])
  if flag.percent == nil then
    flag.percent = 100
  end
  if flag.percent > 100 then
    percent = 100
  end
  local old = redis.call("HGET", flags, name)
  flag.version = redis.call("INCR", versionKey)
  redis.call("HSET", flags, name, cjson.encode(flag))
  redis.call("LPUSH", audit, cjson.encode({ name, old, ARGV[4] }))
  redis.call("LTRIM", audit, 0, 199)
  redis.call("PUBLISH", "flags:changed", name)
  return flag.version
end

local raw = redis.call("HGET", flags, name)
if not raw then
  return nil
end

if op == "get" then
  return raw
end

local flag = cjson.decode(raw)
if not flag.enabled then
  return 0
end
for _, user in ipairs(flag.users or {}) do
  if user == ARGV[3] then
    return 1
  end
end
if hash(name .. ":" .. ARGV[3]) < flag.percent then
  return 1
end
return 0
