#!lua
-- An entry that is added once, however often it is sent.
--
-- KEYS  the stream; the state, a hash in its slot
-- ARGV  1 name of the producer, 2 sequence, 3 the sequence that must come before it, or nothing, 4 how many
--       sequences to remember, 5 milliseconds after which the state ends, or 0, 6 milliseconds for which
--       entries are kept, or 0; from 7 on what XADD is given behind its key. With 6, the words 7 to 9 are
--       MINID, how exactly, and one that is put in here.
--
-- The answer is {word, id} or {word, id, highest sequence}; nil if there is no stream and none may be made.
--   added      now
--   again      this sequence was used, by the entry with this id
--   forgotten  it is lower than all that is remembered: used, or passed over
--   passed     it was never used, and a higher one was: now it would come too late
--   gap        the sequence that must come before it has not come; nothing was added
--
-- State, of each producer and stream W ("<length of the name>:<name><stream>", which is unambiguous):
--   last:W     "<highest sequence> <its id> <n> <first>": it is the n-th entry, and remembered are all from
--              the first on
--   <i>:W      "<sequence> <id>" of the i-th
--
-- Sequences go up to 2^63 - 1, where Lua's numbers are not exact any more: they are text, without leading
-- zeros. What is refused is refused before the first write, rights included: an entry that was added and
-- not written down would be added again.
local name, sequence, previous = ARGV[1], ARGV[2], ARGV[3]
local window, life, age = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])

local function refuse(what)
  error('vouch producer: ' .. what, 0)
end

-- Whether a is above b.
local function above(a, b)
  if #a ~= #b then
    return #a > #b
  end
  local x, y = tonumber(string.sub(a, 1, -10)) or 0, tonumber(string.sub(b, 1, -10)) or 0
  if x ~= y then
    return x > y
  end
  return tonumber(string.sub(a, -9)) > tonumber(string.sub(b, -9))
end

if #KEYS ~= 2 or #ARGV < 9 then
  refuse('needs two keys and nine arguments or more')
elseif name == '' then
  refuse('a producer without a name')
elseif #sequence > 19 or not (sequence == '0' or string.find(sequence, '^[1-9]%d*$')) then
  refuse('argument 2 is no sequence')
elseif #previous > 19 or not (previous == '' or string.find(previous, '^%-?%d+$')) then
  refuse('argument 3 is no sequence')
elseif not (window and window >= 1 and window <= 65536 and window % 1 == 0) then
  refuse('argument 4 is no integer from 1 to 65536')
elseif not (life and life >= 0 and life <= 1125899906842624 and life % 1 == 0) then
  refuse('argument 5 is no time')
elseif not (age and age >= 0 and age <= 1125899906842624 and age % 1 == 0) then
  refuse('argument 6 is no time')
elseif age > 0 and ARGV[7] ~= 'MINID' then
  refuse('an age without MINID')
end

local who = #name .. ':' .. name .. KEYS[1]
local function place(i)
  return string.format('%.0f:', i) .. who
end

local n, first = 0, 1
local last = redis.call('HGET', KEYS[2], 'last:' .. who)
if last then
  local highest, id, count, from = string.match(last, '^(%d+) (%d+%-%d+) (%d+) (%d+)$')
  if not highest then
    refuse('key 2 holds something else than what producers remember')
  end
  n, first = tonumber(count), tonumber(from)
  if sequence == highest then
    return {'again', id, highest}
  elseif above(highest, sequence) then
    local low, high, dropped = first, n, first > 1
    while low <= high do
      local middle = math.floor((low + high) / 2)
      local used, its = string.match(redis.call('HGET', KEYS[2], place(middle)) or '', '^(%d+) (%d+%-%d+)$')
      if used == sequence then
        return {'again', its, highest}
      elseif not used then -- somebody removed it: then nobody knows
        low, dropped = middle + 1, true
      elseif above(sequence, used) then
        low, dropped = middle + 1, false
      else
        high = middle - 1
      end
    end
    return {dropped and 'forgotten' or 'passed', '', highest}
  elseif previous ~= '' and previous ~= highest then
    return {'gap', '', highest}
  end
end

-- A window that was made smaller is worn down, not all at once.
n = n + 1
local keep = math.max(first, math.min(first + 10, n + 1 - window))
if not redis.acl_check_cmd('HSET', KEYS[2], 'f', 'v') then
  refuse('this user may not HSET key 2')
elseif keep > first and not redis.acl_check_cmd('HDEL', KEYS[2], 'f') then
  refuse('this user may not HDEL key 2')
elseif life > 0 and not redis.acl_check_cmd('PEXPIRE', KEYS[2], ARGV[5]) then
  refuse('this user may not PEXPIRE key 2')
end
if age > 0 then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  ARGV[9] = string.format('%.0f', math.max(0, now - age))
end
local id = redis.call('XADD', KEYS[1], unpack(ARGV, 7))
if not id then
  return false
end
redis.call('HSET', KEYS[2], place(n), sequence .. ' ' .. id,
  'last:' .. who, string.format('%s %s %.0f %.0f', sequence, id, n, keep))
for i = first, keep - 1 do
  redis.call('HDEL', KEYS[2], place(i))
end
if life > 0 then
  redis.call('PEXPIRE', KEYS[2], ARGV[5])
end
return {'added', id}
