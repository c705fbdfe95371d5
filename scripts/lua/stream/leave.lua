#!lua
-- A consumer leaves. KEYS: stream, and with exactly once the state. ARGV: group, owner, idle. Gives back what it still has, for whoever claims next, and
-- removes it from the group if nothing is pending with it: XGROUP DELCONSUMER would drop what is. Entries that were
-- deleted cannot be given to anybody, and stay: whoever looks for idle entries finds them, and tells of the loss.
-- Answers how many were given back.
local stream, group, owner, idle = KEYS[1], ARGV[1], ARGV[2], ARGV[3]
local given, from, stays = 0, '-', false
-- vouch-lint: allow unbounded-loop: a consumer holds no more entries than its in_flight
repeat
  local page = redis.call('XPENDING', stream, group, from, '+', 1000, owner)
  for i = 1, #page do
    local id = page[i][1]
    if redis.call('XRANGE', stream, id, id)[1] then
      redis.call('XCLAIM', stream, group, 'vouch:free', 0, id, 'IDLE', idle, 'JUSTID')
      given = given + 1
    else
      stays = true
    end
    from = '(' .. id
  end
until #page < 1000 or from == '(18446744073709551615-18446744073709551615'
if not stays then
  redis.call('XGROUP', 'DELCONSUMER', stream, group, owner)
  if KEYS[2] then
    redis.call('HDEL', KEYS[2], 'c:' .. owner)
  end
end
return given
