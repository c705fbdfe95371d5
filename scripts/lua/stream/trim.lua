#!lua
-- Removes what is older than so many milliseconds, by the server's clock. Answers how many entries that were.
--
-- KEYS  the stream
-- ARGV  1 milliseconds, 2 "~" or "=", 3 how many entries to look at, or nothing
local age = tonumber(ARGV[1])
if #KEYS ~= 1 or #ARGV ~= 3 or not (ARGV[2] == '~' or ARGV[2] == '=')
  or not (age and age >= 1 and age <= 1125899906842624 and age % 1 == 0)
then
  error('vouch trim: not one key, an age, "~" or "=", and a limit', 0)
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lowest = string.format('%.0f', math.max(0, now - age))
if ARGV[3] == '' then
  return redis.call('XTRIM', KEYS[1], 'MINID', ARGV[2], lowest)
end
return redis.call('XTRIM', KEYS[1], 'MINID', ARGV[2], lowest, 'LIMIT', ARGV[3])
