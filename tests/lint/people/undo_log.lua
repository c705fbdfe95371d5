-- Applies a list of changes to a document (hash) and writes how to undo them.
-- KEYS[1] document, KEYS[2] undo log
-- ARGV[1] JSON: {"set": {field: value}, "delete": [field], "add": {field: number}}
-- ARGV[2] version that the caller has seen
local doc, log = KEYS[1], KEYS[2]
local change = cjson.decode(ARGV[1])
local undo = { set = {}, delete = {} }

local version = redis.call('HGET', doc, '_version') or 0
if version ~= ARGV[2] then
  return redis.error_reply('STALE version is ' .. version)
end

local function remember(field)
  local old = redis.call('HGET', doc, field)
  if old then
    undo.set[field] = old
  else
    undo.delete[#undo.delete + 1] = field
  end
end

for field, value in pairs(change.set or {}) do
  remember(field)
  redis.call('HSET', doc, field, value)
end
for field, by in pairs(change.add or {}) do
  remember(field)
  redis.call('HINCRBY', doc, field, by)
end
for _, field in ipairs(change.delete or {}) do
  remember(field)
  redis.call('HDEL', doc, field)
end

redis.call('HINCRBY', doc, '_version', 1)
redis.call('LPUSH', log, cjson.encode(undo))
redis.call('LTRIM', log, 0, 49)
return redis.call('HGETALL', doc)
