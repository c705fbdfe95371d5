#!lua
-- What a consumer does with single entries that it has: KEYS: stream, dead letters. ARGV: group, owner, action, detail,
-- then the ids, rising. Answers a letter for each: y done, n not ours any more (nothing was done),
-- l lost: it was deleted, so that there is nothing to give back, and it is nobody's now.
--   return   given back, for whoever claims next; detail: the idle time it is given, in milliseconds
--   reject   moved to the dead letters; detail: the reason
--   extend   ours for as long again
local stream, dead_letters = KEYS[1], KEYS[2]
local group, owner, action, detail = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local ours, answer = {}, {}
local from = ARGV[5]

while from do
  local page = redis.call('XPENDING', stream, group, from, ARGV[#ARGV], 1000, owner)
  for i = 1, #page do
    ours[page[i][1]] = page[i][4]
  end
  from = #page == 1000 and '(' .. page[1000][1]
end

-- here: part/dead_letter.lua

-- Before any of them is moved.
if action == 'reject' then
  local kind = redis.call('TYPE', dead_letters).ok
  if kind ~= 'stream' and kind ~= 'none' then
    error('vouch hand: the dead letters ' .. dead_letters .. ' are a ' .. kind, 0)
  end
end

for i = 5, #ARGV do
  local id = ARGV[i]
  answer[#answer + 1] = ours[id] and 'y' or 'n'
  if not ours[id] then
    -- nothing
  elseif action == 'return' and not redis.call('XRANGE', stream, id, id)[1] then
    redis.call('XACK', stream, group, id)
    answer[#answer] = 'l'
  elseif action == 'return' then
    redis.call('XCLAIM', stream, group, 'vouch:free', 0, id, 'IDLE', detail, 'JUSTID')
  elseif action == 'extend' then
    redis.call('XCLAIM', stream, group, owner, 0, id, 'JUSTID')
  else
    local entry = redis.call('XRANGE', stream, id, id)[1]
    redis.call(unpack((dead_letter(id, entry, detail, ours[id], owner))))
    redis.call('XACK', stream, group, id)
  end
end
return table.concat(answer)
