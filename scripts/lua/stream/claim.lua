#!lua
-- Takes from others what they have had for too long. KEYS: stream, dead letters. ARGV: group, owner, how long is too
-- long (milliseconds), how many to look at, after how many deliveries an entry is a dead letter (0: never), where to go
-- on, and the names under which the same consumer went before and may still be working on something. Answers where to go on next ("-" : from the beginning), what was claimed (id, fields, deliveries), with nil for the
-- fields of what was deleted in the meantime, the ids of those, and of what became a dead letter.
--
-- What was deleted nobody can claim. It stays pending with who had it, until somebody was told of the loss and says so
-- (hand.lua): would it be acknowledged here, nobody heard of it when this answer is lost.
-- What was given back until a time (hand.lua) is with vouch:until-time, which goes when it has nothing more.
--
-- Never what the owner has itself, however long it takes over it: XAUTOCLAIM would claim that too.
local stream, dead_letters = KEYS[1], KEYS[2]
local group, owner, idle, count, most, from = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local claimed, lost, dead, passed = {}, {}, {}, {}

local function is_ours(holder)
  for i = 7, #ARGV do
    if holder == ARGV[i] then
      return true
    end
  end
  return holder == owner
end

-- here: part/dead_letter.lua

if most > 0 then
  -- here: part/dead_letters.lua
end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local page = redis.call('XPENDING', stream, group, 'IDLE', idle, from, '+', count)
for i = 1, #page do
  local id, holder, deliveries = page[i][1], page[i][2], page[i][4]
  local due = string.match(holder, '^vouch:until%-(%d+)$')
  if due and passed[#passed] ~= holder then
    passed[#passed + 1] = holder
  end
  if not is_ours(holder) and not (due and tonumber(due) > now) then
    local entry = redis.call('XRANGE', stream, id, id)[1]
    if not entry then
      lost[#lost + 1] = id
      claimed[#claimed + 1] = {id, false, deliveries}
    elseif most > 0 and deliveries >= most then
      redis.call(unpack((dead_letter(id, entry, 'deliveries', deliveries, holder))))
      redis.call('XACK', stream, group, id)
      dead[#dead + 1] = id
    else
      redis.call('XCLAIM', stream, group, owner, idle, id)
      claimed[#claimed + 1] = {id, entry[2], deliveries + 1}
    end
  end
end
for i = 1, #passed do
  local holder = passed[i]
  if #redis.call('XPENDING', stream, group, '-', '+', 1, holder) == 0 then
    redis.call('XGROUP', 'DELCONSUMER', stream, group, holder)
  end
end
-- Servers refuse to look behind the last id that there is.
local ends = #page < count or page[#page][1] == '18446744073709551615-18446744073709551615'
local next = ends and '-' or '(' .. page[#page][1]
return {next, claimed, lost, dead}
