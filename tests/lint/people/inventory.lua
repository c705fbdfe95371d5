-- Reserves all lines of an order, or none of them.
--
-- KEYS[1]  stock, hash: sku -> pieces
-- KEYS[2]  reservations, hash: order -> JSON
-- KEYS[3]  deadlines, zset: order by time
-- KEYS[4]  order log, stream
-- ARGV[1]  order id
-- ARGV[2]  JSON: [{"sku": "a", "qty": 2}, ...]
-- ARGV[3]  until when it is kept (unix time)
-- ARGV[4]  dry-run: "1" or "0"
local order = ARGV[1]
local lines = cjson.decode(ARGV[2])
local dry = ARGV[4] == "1"

if #lines == 0 then
  return redis.error_reply("EMPTY nothing to reserve")
end

if redis.call("HEXISTS", KEYS[2], order) == 1 then
  return redis.status_reply("ALREADY")
end

-- what is wanted in all, as a sku may be there twice
local wanted = {}
for _, line in ipairs(lines) do
  local qty = tonumber(line.qty)
  if not qty or qty <= 0 or qty ~= math.floor(qty) then
    return redis.error_reply("BADQTY " .. tostring(line.sku))
  end
  wanted[line.sku] = (wanted[line.sku] or 0) + qty
end

local short = {}
for sku, qty in pairs(wanted) do
  local have = tonumber(redis.call("HGET", KEYS[1], sku) or 0)
  if have < qty then
    short[#short + 1] = { sku = sku, missing = qty - have }
  end
end

if #short > 0 then
  return { 0, cjson.encode(short) }
end
if dry then
  return { 1, "dry" }
end

for sku, qty in pairs(wanted) do
  redis.call("HINCRBY", KEYS[1], sku, -qty)
end
redis.call("HSET", KEYS[2], order, cjson.encode(wanted))
redis.call("ZADD", KEYS[3], ARGV[3], order)
redis.call("XADD", KEYS[4], "MAXLEN", "~", "100000", "*", "order", order, "event", "reserved")

return { 1, "ok" }
