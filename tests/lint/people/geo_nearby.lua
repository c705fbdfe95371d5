-- Finds drivers near a rider and offers the ride to the first that is free.
-- KEYS[1] drivers (geo), KEYS[2] busy (set), KEYS[3] offers (hash), KEYS[4] rides (geo)
-- ARGV: ride, longitude, latitude, radius in km, how far a driver may be in m
local ride, lon, lat, radius = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if not tonumber(radius) then
    return redis.error_reply("BADARG radius")
end

redis.call("GEOADD", KEYS[4], lon, lat, ride)

local found = redis.call("GEOSEARCH", KEYS[1], "FROMLONLAT", lon, lat, "BYRADIUS", radius, "km",
    "ASC", "COUNT", 50, "WITHDIST")

local tried = 0
for _, item in ipairs(found) do
    local driver, distance = item[1], item[2]
    tried = tried + 1
    if redis.call("SISMEMBER", KEYS[2], driver) == 0 and redis.call("HSETNX", KEYS[3], driver, ride) == 1 then
        redis.call("SADD", KEYS[2], driver)
        local last = redis.call("HGET", KEYS[3], "last:" .. driver)
        if last == nil then
            last = "never"
        end
        return { driver, distance, last }
    end
end

-- nobody: the closest of all, if it is not too far
local closest = redis.call("GEOSEARCH", KEYS[1], "FROMLONLAT", lon, lat, "BYRADIUS", 50, "km", "ASC", "COUNT", 1)
if closest[1] then
    redis.call("GEOADD", KEYS[1], "XX", lon, lat, "nobody")
    local pos = redis.call("GEOPOS", KEYS[1], closest[1])[1]
    redis.call("GEOADD", KEYS[4], pos[1], pos[2], "closest:" .. ride)
    local away = redis.call("GEODIST", KEYS[4], ride, "closest:" .. ride, "m")
    redis.call("ZREM", KEYS[4], "closest:" .. ride)
    if away < ARGV[5] then
        return { closest[1], away, "busy" }
    end
end

return { false, tried }
