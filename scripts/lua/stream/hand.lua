#!lua
-- What a consumer does with single entries that it has: KEYS: stream, dead letters. ARGV: group, owner, action, detail,
-- how idle others have to be to be claimed from (milliseconds), then the ids, rising. Answers a letter for each: y done,
-- n not ours any more (nothing was done), l lost: it was deleted, so that there is nothing to give back or to keep, and it is
-- nobody's now. (XCLAIM would drop it without a word.)
--   return   given back, for whoever claims next; detail: not before so many milliseconds have passed. Then it is with
--            vouch:until-time, and claim.lua looks at the name. So that these are few the time is rounded up
--   reject   moved to the dead letters; detail: the reason
--   extend   ours for as long again
--   forget   the loss of it was told: it was deleted, and is nobody's now, whoever had it
local stream, dead_letters = KEYS[1], KEYS[2]
local group, owner, action, detail, idle = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local FIRST = 6
local ours, answer = {}, {}
local from = action ~= 'forget' and ARGV[FIRST]

-- vouch-lint: allow unbounded-loop: a consumer holds no more entries than its in_flight
while from do
  local page = redis.call('XPENDING', stream, group, from, ARGV[#ARGV], 1000, owner)
  for i = 1, #page do
    ours[page[i][1]] = page[i][4]
  end
  from = #page == 1000 and page[1000][1] ~= ARGV[#ARGV] and '(' .. page[1000][1]
end

-- here: part/dead_letter.lua

if action == 'reject' then
  -- here: part/dead_letters.lua
end

local receiver = 'vouch:free'
if action == 'return' and tonumber(detail) > 0 then
  local time, step = redis.call('TIME'), 1
  while step * 16 < tonumber(detail) do
    step = step * 2
  end
  local due = time[1] * 1000 + math.ceil(time[2] / 1000) + tonumber(detail)
  receiver = string.format('vouch:until-%.0f', math.ceil(due / step) * step)
end

for i = FIRST, #ARGV do
  local id = ARGV[i]
  answer[#answer + 1] = ours[id] and 'y' or 'n'
  if action == 'forget' then
    if not redis.call('XRANGE', stream, id, id)[1] then
      redis.call('XACK', stream, group, id)
      answer[#answer] = 'y'
    end
  elseif not ours[id] then
    -- nothing
  elseif action ~= 'reject' and not redis.call('XRANGE', stream, id, id)[1] then
    redis.call('XACK', stream, group, id)
    answer[#answer] = 'l'
  elseif action == 'return' then
    redis.call('XCLAIM', stream, group, receiver, 0, id, 'IDLE', idle, 'JUSTID')
  elseif action == 'extend' then
    redis.call('XCLAIM', stream, group, owner, 0, id, 'JUSTID')
  else
    local entry = redis.call('XRANGE', stream, id, id)[1]
    redis.call(unpack((dead_letter(id, entry, detail, ours[id], owner))))
    redis.call('XACK', stream, group, id)
  end
end
return table.concat(answer)
