#!lua
-- Takes out of a group what nobody will ever use again: incarnations of consumers that ended without leaving. KEYS:
-- stream, and with exactly once the state. ARGV: group, after how long without a word, in milliseconds. Answers how
-- many consumers were removed, and how many records of their commits.
--
-- Only what bears a name as vouch gives them (name:incarnation.number, vouch:until-time) and has nothing pending. One that
-- was only asleep loses nothing: the server makes it anew when it reads, and what a commit of its own has settled
-- is found settled (commit.lua). Records say when they were written: of one whose consumer was removed by others, or
-- vanished with its group, there is nothing else to tell its age by.
local stream, state, group, silent = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local removed, forgotten, there = 0, 0, {}

-- here: part/field.lua

for _, each in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
  local name = field(each, 'name')
  there[name] = true
  local due = string.match(name, '^vouch:until%-(%d+)$')
  if field(each, 'pending') == 0
    and (due and tonumber(due) < now or string.find(name, '^[^:]+:%w[%w-]*%.%d+$') and field(each, 'idle') >= silent)
  then
    redis.call('XGROUP', 'DELCONSUMER', stream, group, name)
    there[name] = nil
    removed = removed + 1
  end
end

if state then
  local kept = redis.call('HGETALL', state)
  for i = 1, #kept, 2 do
    local written = not there[string.sub(kept[i], 3)] and string.find(kept[i], '^c:')
      and string.match(kept[i + 1], ' %??(%d+)$')
    if written and now - written * 1000 >= silent then
      redis.call('HDEL', state, kept[i])
      forgotten = forgotten + 1
    end
  end
end
return {removed, forgotten}
