#!lua
-- A consumer leaves. KEYS: stream. ARGV: group, owner, idle. Gives back what it still has, for whoever claims next, and
-- removes it from the group: only now is nothing pending with it, and XGROUP DELCONSUMER would drop what is.
-- Answers how many were given back.
local stream, group, owner, idle = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local given = 0
repeat
  local page = redis.call('XPENDING', stream, group, '-', '+', 1000, owner)
  for i = 1, #page do
    redis.call('XCLAIM', stream, group, 'vouch:free', 0, page[i][1], 'IDLE', idle, 'JUSTID')
    -- an entry that was deleted is not given to anybody: claiming it dropped it
  end
  given = given + #page
until #page == 0
redis.call('XGROUP', 'DELCONSUMER', stream, group, owner)
return given
