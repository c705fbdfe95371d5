#!lua flags=no-cluster
-- Gives entries that were delivered too often to the dead letters, and takes over the others.
-- KEYS[1] stream, KEYS[2] dead letters
-- ARGV[1] group, ARGV[2] consumer, ARGV[3] idle ms, ARGV[4] most deliveries, ARGV[5] count
local stream, dead = KEYS[1], KEYS[2]
local group, consumer = ARGV[1], ARGV[2]
local idle, most = tonumber(ARGV[3]), tonumber(ARGV[4])

local pending = redis.call('XPENDING', stream, group, 'IDLE', idle, '-', '+', ARGV[5])
local claim = {}
local buried = 0

for _, p in ipairs(pending) do
  local id, deliveries = p[1], p[4]
  if deliveries > most then
    local entry = redis.call('XRANGE', stream, id, id)[1]
    if entry then
      local fields = entry[2]
      fields[#fields + 1] = '_id'
      fields[#fields + 1] = id
      fields[#fields + 1] = '_deliveries'
      fields[#fields + 1] = deliveries
      redis.call('XADD', dead, '*', unpack(fields))
    end
    redis.call('XACK', stream, group, id)
    buried = buried + 1
  else
    claim[#claim + 1] = id
  end
end

if #claim == 0 then
  return { buried, {} }
end
return { buried, redis.call('XCLAIM', stream, group, consumer, idle, unpack(claim)) }
