#!lua
-- Makes sure that a consumer group and its state are there and belong together, and hands out again what
-- nobody would ever read: see commit.lua, which says what the state is.
--
-- KEYS  stream, state
-- ARGV  group, start ("0": all; "$": what comes from now on; or an id), a generation that was never used,
--       flags ("m": mend), where mending goes on ("": at the beginning)
--
-- The answer: what was found; the generation that holds now; low; how many entries were handed to the
-- consumer vouch:lost, from whom the next look for idle entries takes them; and, if there may be more of
-- these, the id to go on from, else "".
--   created   neither group nor state was there
--   there     both
--   adopted   a group without state, or with one that is not of this stream. What is pending is taken for
--             not settled, and all else up to the last that was delivered for settled
--   rebuilt   a state without its group: the group is made at the end of the last run. What the stream holds
--             between low and there, and is in no run, was not settled: it is handed out again. Would the
--             group begin at low, what is in the runs would come twice; at their end alone, the gaps were lost
--   anew      a state that is not of this stream: begun from the start of the stream
-- A stream is another one if its last id is below what was settled, or fewer entries were ever added. One
-- that was deleted, and filled with more before anybody opened it, under ids that the old one had used,
-- looks like the old one.
--
-- Mending hands out what is delivered, not settled, and pending with nobody: somebody deleted a consumer that
-- still had entries, or acknowledged by hand.
local MOST_PENDING, MOST_READ, PAGE = 100000, 10000, 500
local LAST_ID = '18446744073709551615-18446744073709551615' -- servers refuse to look behind it
local call, match = redis.call, string.match
local stream, state = KEYS[1], KEYS[2]
local group, start, fresh, flags, from = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

local function refuse(what)
  error('vouch open: ' .. what, 0)
end

if #KEYS ~= 2 or #ARGV ~= 5 or fresh == '' or not (from == '' or match(from, '^%d+-%d+$')) then
  refuse('not the words of a call')
end
if match(start, '^%d+$') then
  start = start .. '-0'
elseif start ~= '$' and not match(start, '^%d+-%d+$') then
  refuse('start is neither "$" nor an id')
end

-- here: part/ids.lua

-- here: part/field.lua

-- ---- what is there ------------------------------------------------------------------------------

local kind = call('TYPE', stream).ok
if kind ~= 'stream' and kind ~= 'none' then
  refuse('the stream is a ' .. kind)
end
local newest, added, delivered = '0-0', 0, nil -- delivered: the group's last; nil if there is no group
if kind == 'stream' then
  local about = call('XINFO', 'STREAM', stream)
  newest, added = field(about, 'last-generated-id'), field(about, 'entries-added')
  for _, each in ipairs(call('XINFO', 'GROUPS', stream)) do
    if field(each, 'name') == group then
      delivered = field(each, 'last-delivered-id')
    end
  end
end

local kept = call('HMGET', state, 'gen', 'low', 'runs', 'added')
local generation, low, runs = kept[1], kept[2] or '0-0', kept[3] or ''
local settled = match(runs, '(%d+-%d+)$') or low
local another = generation and (before(newest, settled) or added < tonumber(kept[4] or '0'))

-- ---- put right ----------------------------------------------------------------------------------

-- Of a group that has no state: low, and as runs what is not pending between the entries that are.
local function adopt()
  local pending = call('XPENDING', stream, group)
  if pending[1] == 0 then
    return delivered, ''
  elseif pending[1] > MOST_PENDING then
    refuse('more than ' .. MOST_PENDING .. ' entries are pending with a group that has no state')
  end
  local list, at = {}, '-'
  local function between(a, b) -- what the stream holds there becomes a run
    local one = call('XRANGE', stream, a, b, 'COUNT', 1)[1]
    if one then
      list[#list + 1] = one[1] .. ',' .. call('XREVRANGE', stream, b, a, 'COUNT', 1)[1][1]
    end
  end
  local lowest = call('XREVRANGE', stream, '(' .. pending[2], '-', 'COUNT', 1)[1]
  local page = call('XPENDING', stream, group, '-', '+', PAGE)
  local last = nil
  -- vouch-lint: allow unbounded-loop: more than MOST_PENDING are refused above
  while page[1] do
    for _, entry in ipairs(page) do
      if last then
        between('(' .. last, '(' .. entry[1])
      end
      last = entry[1]
    end
    page = last ~= LAST_ID and call('XPENDING', stream, group, '(' .. last, '+', PAGE) or {}
  end
  if before(last, delivered) then
    between('(' .. last, delivered)
  end
  return lowest and lowest[1] or '0-0', table.concat(list, ' ')
end

local word = 'there'
if delivered and (not generation or another) then
  word = 'adopted'
  low, runs = adopt()
elseif not delivered and generation and not another then
  word, delivered = 'rebuilt', settled
  call('XGROUP', 'CREATE', stream, group, settled, 'MKSTREAM')
elseif not delivered then
  word = generation and 'anew' or 'created'
  low, runs = (generation and '0-0') or (start == '$' and newest) or start, ''
  delivered = low
  call('XGROUP', 'CREATE', stream, group, low, 'MKSTREAM')
end
if word ~= 'there' then
  generation = fresh
  if before(newest, low) then -- a group may begin beyond the end; what is not there yet is not settled
    low = newest
  end
end
call('HSET', state, 'gen', generation, 'low', low, 'runs', runs, 'added', added)

-- ---- mended -------------------------------------------------------------------------------------

-- XCLAIM with FORCE takes what is pending with nobody, and, with a least idle time that nothing reaches,
-- only that. Time 1 is long ago: whoever looks for idle entries finds them at once.
local given, read, go_on = 0, 0, ''
local function hand_out(a, b)
  while read < MOST_READ do
    local claim = {'XCLAIM', stream, group, 'vouch:lost', '9007199254740991'}
    local page = call('XRANGE', stream, a, b, 'COUNT', PAGE)
    for _, entry in ipairs(page) do
      claim[#claim + 1] = entry[1]
      go_on = entry[1]
    end
    if not page[1] then
      return true
    end
    for _, option in ipairs({'TIME', '1', 'RETRYCOUNT', '0', 'FORCE', 'JUSTID'}) do
      claim[#claim + 1] = option
    end
    given = given + #call(unpack(claim))
    read, a = read + #page, '(' .. go_on
    if #page < PAGE or go_on == LAST_ID then
      return true
    end
  end
  return false
end

if word == 'rebuilt' or string.find(flags, 'm', 1, true) then
  local at, done = low, true
  local function gap(a, b)
    if from ~= '' and before(a, from) then
      a = from
    end
    if done and before(a, delivered) then
      done = hand_out('(' .. a, b)
    end
  end
  for first, last in string.gmatch(runs, '(%d+-%d+),(%d+-%d+)') do
    gap(at, '(' .. first)
    at = last
  end
  gap(at, delivered)
  if done then
    go_on = ''
  end
end
return {word, generation, low, given, go_on}
