-- Moves pieces between two warehouses.
-- KEYS[1] from (hash), KEYS[2] to (hash), KEYS[3] journal (list)
-- ARGV[1] sku, ARGV[2] pieces, ARGV[3] reason
local sku = ARGV[1]
local qty = tonumber(ARGV[2])

local left = redis.call('HINCRBY', KEYS[1], sku, -qty)
if left < 0 then
    -- not so many there
    redis.call('HINCRBY', KEYS[1], sku, qty)
    return redis.error_reply('not enough in stock')
end
redis.call('HINCRBY', KEYS[2], sku, qty)

local entry = {
    sku = sku,
    qty = qty,
    left = left,
    reason = ARGV[3],
}
local res = redis.pcall('LPUSH', KEYS[3], cjson.encode(entry))
redis.pcall('LTRIM', KEYS[3], 0, 999)

return entry
