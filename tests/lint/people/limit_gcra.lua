redis.replicate_commands()

-- Generic cell rate algorithm.
--   KEYS[1]   holds when all that was let through will have been paid for
--   ARGV      burst, count per period, period (seconds), cost
local key = KEYS[1]
local burst, count, period, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local gap = period / count

local clock = redis.call("TIME")
-- smaller numbers have more digits behind the point
local now = (clock[1] - 1700000000) + clock[2] / 1000000

local paid = tonumber(redis.call("GET", key) or now)
if paid < now then
  paid = now
end

local after = paid + gap * cost
local room = now - (after - gap * burst)

if room < 0 then
  -- Strings, or the fractions would get lost.
  return { 0, 0, tostring(-room), tostring(paid - now) }
end

redis.call("SET", key, after, "PX", math.ceil((after - now) * 1000))
return { 1, math.floor(room / gap), "-1", tostring(after - now) }
