-- Autocomplete on a sorted set of equal scores, and a cache of what was asked most.
-- KEYS[1] terms, KEYS[2] cache hash, KEYS[3] popularity
-- ARGV[1] prefix, ARGV[2] count
local prefix = string.lower(ARGV[1])
local count = ARGV[2]

if #prefix < 2 then
    return {}
end

local cached = redis.call('HGET', KEYS[2], prefix)
if cached ~= nil then
    redis.call('HINCRBY', KEYS[3], prefix, 1)
    return cjson.decode(cached)
end

local found = redis.call('ZRANGEBYLEX', KEYS[1], '[' .. prefix, '[' .. prefix .. '\xff', 'LIMIT', 0, count * 5)

-- the popular ones first
local weight = {}
for _, term in ipairs(found) do
    weight[term] = tonumber(redis.call('HGET', KEYS[3], term) or 0)
end
table.sort(found, function(a, b) return weight[a] > weight[b] end)

local result = {}
for i = 1, math.min(#found, count) do
    result[i] = found[i]
end

redis.call('HSET', KEYS[2], prefix, cjson.encode(result))
redis.call('EXPIRE', KEYS[2], 300)
return result
