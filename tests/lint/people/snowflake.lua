-- Ids that rise with time: 41 bits of milliseconds, 10 of the shard, 12 of a counter.
-- KEYS[1] sequence, KEYS[2] last millisecond; ARGV[1] shard, ARGV[2] how many
local EPOCH = 1577836800000
local MAX_SEQ = 4096

local shard = tonumber(ARGV[1])
local count = tonumber(ARGV[2]) or 1

if shard < 0 or shard > 1023 then
  return redis.error_reply('shard must be 0..1023')
end

local t = redis.call('TIME')
local ms = t[1] * 1000 + math.floor(t[2] / 1000)

local last = tonumber(redis.call('GET', KEYS[2]) or 0)
if ms < last then
  -- the clock went back
  ms = last
end
if ms ~= last then
  redis.call('SET', KEYS[2], ms)
  redis.call('SET', KEYS[1], 0)
end

local ids = {}
local seq = redis.call('INCRBY', KEYS[1], count)
for i = seq - count, seq - 1 do
  if i >= MAX_SEQ then break end
  ids[#ids + 1] = (ms - EPOCH) * 4194304 + shard * 4096 + i
end
return ids
