#!lua flags=no-writes
-- How a group is doing. KEYS: stream, dead letters or none. ARGV: group, up to how many entries are counted. Answers
-- nothing if there is no such group; else what the stream holds, what was not delivered, 1 if that is at least so
-- many, the first of these, what is pending, the oldest of these, how often it was delivered, the group's consumers,
-- the dead letters (-1: none named), the last that was delivered, and the time in milliseconds.
local stream, dead_letters, group, most = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
local call = redis.call

-- here: part/field.lua

local about
if call('EXISTS', stream) == 1 then
  for _, each in ipairs(call('XINFO', 'GROUPS', stream)) do
    about = field(each, 'name') == group and each or about
  end
end
if not about then
  return {}
end

local last, lag = field(about, 'last-delivered-id'), field(about, 'lag')
-- No number: entries behind it were deleted. XRANGE refuses to look behind the last id there can be.
local at_end = last == '18446744073709551615-18446744073709551615'
local waiting = at_end and {} or call('XRANGE', stream, '(' .. last, '+', 'COUNT', lag and 1 or most + 1)
local more = 0
if not lag then
  lag, more = math.min(#waiting, most), #waiting > most and 1 or 0
end
local pending = call('XPENDING', stream, group)
local oldest, deliveries = pending[2] or '', 0
if oldest ~= '' then
  deliveries = call('XPENDING', stream, group, oldest, oldest, 1)[1][4]
end
local time = call('TIME')
return {call('XLEN', stream), lag, more, waiting[1] and waiting[1][1] or '', pending[1], oldest, deliveries,
  field(about, 'consumers'), dead_letters and call('XLEN', dead_letters) or -1, last,
  time[1] .. string.format('%03d', math.floor(tonumber(time[2]) / 1000))}
