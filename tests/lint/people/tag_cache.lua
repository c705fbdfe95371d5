-- Cache with tags.
--   set:    KEYS[1] entry, KEYS[2...] tags; ARGV: "set", value, ttl
--   purge:  KEYS[1...] tags; ARGV: "purge"
--   clear:  ARGV: "clear", pattern
local command = ARGV[1]

if command == "set" then
  redis.call("SETEX", KEYS[1], ARGV[3], ARGV[2])
  for i = 2, #KEYS do
    redis.call("SADD", KEYS[i], KEYS[1])
    -- a tag lives as long as the longest of its entries
    if redis.call("TTL", KEYS[i]) < tonumber(ARGV[3]) then
      redis.call("EXPIRE", KEYS[i], ARGV[3])
    end
  end
  return 1
end

if command == "purge" then
  local count = 0
  for _, tag in ipairs(KEYS) do
    local entries = redis.call("SMEMBERS", tag)
    if #entries > 0 then
      count = count + redis.call("DEL", unpack(entries))
    end
    redis.call("DEL", tag)
  end
  return count
end

if command == "clear" then
  local keys = redis.call("KEYS", ARGV[2])
  for i = 1, #keys, 5000 do
    redis.call("DEL", unpack(keys, i, math.min(i + 4999, #keys)))
  end
  return #keys
end

error("tag cache: unknown command")
