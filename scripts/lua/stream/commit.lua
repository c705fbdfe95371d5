#!lua
-- Settles stream entries together with what they cause: an entry's effects are applied if, and only if, it
-- is still pending with the consumer that calls, and then it is acknowledged in the same step. What comes
-- again (a reply was lost) is answered as the first time, and does nothing.
--
-- KEYS  stream, state, dead letter, then the keys of the effects
-- ARGV  group, consumer, sequence, generation, held, flags, number of entries; then for each entry, in the
--       order of the ids: its shape, unless it is that of the entry before it; its id; and the words of its
--       effects, one after the other. A shape is "+" if the entry followed the one before it in one read, so
--       that the stream holds nothing between the two, or "-"; then for each effect the number of its words,
--       and behind it the type that its second word, a key, must have, if that matters; these apart by commas:
--       "+4", "-", "+3hash,2". Or the shape is "+bury" or "-bury": all that the entry causes is a dead letter,
--       and the one word behind its id is the reason. (Every word costs, on both sides.)
--
-- A consumer is one life of one process; nobody else ever uses its name. Its sequence rises with each
-- commit, and it sends nothing else before a commit is answered.
-- `held` is how many entries it holds, those of this call and others. If as many are pending with it, they
-- are these: nobody gives it entries that it did not ask for. A consumer that did not get the answer to a
-- read or a claim does not know what it holds: it says -1 from then on, and is asked for one by one. So it is, from then
-- on, if its commit before this one is not known here: a replica that took over lacks the last that was written,
-- what it counts is as old, and once that is settled again it may be as many, and still others.
-- Flags: a  all or none: if one entry is not ours nothing is done
--        x  entries that are settled are deleted from the stream, unless nothing were left of them (X)
--        k  the types of keys are compared first
--
-- State, a hash:
--   gen    a nonce; changes whenever group or state had to be made again (open.lua)
--   low    every entry up to this id is settled; or the stream does not hold it any more, and nobody works
--          on it
--   runs   the same of every entry between two ids, "first,last first,last" in rising order, all above low.
--          Neighbours with nothing between them are one, so there are about as many as batches in flight
--   c:<consumer>   its last sequence, what was answered, a letter for each entry, and when, in seconds (sweep.lua);
--          with a "?" in front of that if its count is not believed any more
--
-- Letters: d  done: effects applied, acknowledged
--          f  fenced: pending with another consumer; not touched
--          s  settled before, as the state says: effects not applied. If it was pending with us none the
--             less (the group was set back by hand) it is acknowledged
--          g  gone: pending with nobody, and not settled by a commit: somebody dropped or acknowledged it; or
--             deleted, where all around it is settled: it may have been, or not. If it was pending with us it
--             is acknowledged; effects not applied
--          b  buried: acknowledged, and in the dead letter, as was asked for
--          x  an effect failed: those before it are applied and stay; acknowledged, and in the dead letter
--          X  b or x, but the dead letter refused it
--          n  ours, and left alone: one of the others was not, and the call said all or none
local MOST_ENTRIES, MOST_EFFECTS, MOST_WORDS = 1000, 4000, 7000 -- unpack fails at some 7,900
local argv, call, try = ARGV, redis.call, redis.pcall
local match, find, unpack, type = string.match, string.find, unpack, type
local stream, state, dead_letters = KEYS[1], KEYS[2], KEYS[3]
local group, me, sequence, generation = argv[1], argv[2], tonumber(argv[3]), argv[4]
local held, flags, n = tonumber(argv[5]), argv[6], tonumber(argv[7])

local function refuse(what)
  error('vouch commit: ' .. what, 0)
end

-- A number of something, at most so many. Not a number, and a broken one, is refused as well.
local function no_count(v, most)
  return not (v and v >= 0 and v <= most and v % 1 == 0)
end

-- here: part/ids.lua

-- Of an id that is as long as two numbers of 64 bits, or longer.
local function is_too_large(id)
  local ms, seq = match(id, '^(%d+)-(%d+)$')
  return #ms > 20 or #seq > 20 or #ms == 20 and ms > '18446744073709551615'
    or #seq == 20 and seq > '18446744073709551615'
end

if not dead_letters or not match(argv[3] or '', '^%d+$') or no_count(sequence, 9007199254740991) or sequence == 0
  or not held or not flags
then
  refuse('not the words of a commit')
elseif no_count(n, MOST_ENTRIES) or n == 0 then
  refuse('not 1 to ' .. MOST_ENTRIES .. ' entries')
end

-- ---- said before? -------------------------------------------------------------------------------

-- This comes first: what was answered once holds, whatever became of the group since.
local kept = call('HMGET', state, 'gen', 'low', 'runs', 'c:' .. me)
local committed, doubted = 0, nil
if kept[4] then
  local last, letters, doubt = match(kept[4], '^(%d+) (%a+) (%??)%d+$')
  local number = tonumber(last)
  if number == sequence then
    return {'again', letters, doubt}
  elseif number > sequence then
    return {'stale', last}
  end
  committed, doubted = number, doubt ~= ''
end
doubted = doubted or committed ~= sequence - 1
if kept[1] ~= generation then
  return {'reset', kept[1] or ''}
end
local pending = try('XPENDING', stream, group)
if pending.err then
  if find(pending.err, '^NOGROUP ') then
    return {'reset', generation}
  end
  return pending
end

-- ---- the words: all of them are looked at before anything is written ------------------------------

-- A shape: how many words each effect has, how many effects these are, and how many words an entry of this shape
-- has in all. Nil: it is none.
local function read_shape(text)
  local mark, rest = match(text, '^([+-])(.*)$')
  local shape, said = {follows = mark == '+', n = 0, size = 1, kinds = {}}, {}
  if rest == 'bury' then
    shape.buries, shape.size = true, 2
    return shape
  end
  for count, kind in string.gmatch(rest or '', '(%d+)(%l*)') do
    local words, k = tonumber(count), shape.n + 1
    if k > MOST_EFFECTS or no_count(words, MOST_WORDS) or words == 0 then
      return nil
    end
    shape[k], shape.kinds[k], said[k] = words, kind, count .. kind
    shape.n, shape.size = k, shape.size + words
  end
  return rest == table.concat(said, ',') and shape or nil
end

-- An id that must follow the one before it. Answers where its dash is, and how long it is: two that are as long in
-- both parts are in order if their texts are. Zeros, if the next one has to be looked at like this one.
local function read_id(id, before_it, dash, number)
  if not dash then
    refuse('entry ' .. number .. ': not an id')
  elseif not before(before_it, id) then
    refuse('entry ' .. number .. ': ids do not rise')
  elseif dash <= 20 and #id - dash <= 19 then
    return dash, #id
  elseif is_too_large(id) then
    refuse('entry ' .. number .. ': not an id')
  end
  return 0, 0
end

-- Next to all entries of a call have one shape, and ids as long as the one before: what is the same is not looked at
-- again. This is most of what a commit costs the server beside its effects.
local ids, shapes, known = {}, {}, {} -- the last: shapes by their text
local shape, size, effects, buries, chained = nil, 0, 0, false, true
local at, total, id_before, dash_before, long = 8, 0, '0-0', 0, 0
for i = 1, n do
  local id = argv[at] or ''
  local dash = match(id, '^%d+()%-%d+$')
  if not dash or i == 1 then
    local other = known[id] or read_shape(id)
    if not other or other == shape then
      refuse('entry ' .. i .. ': not a shape, nor an id')
    end
    known[id], shape, size, effects = other, other, other.size, other.n
    buries = buries or shape.buries
    chained = chained and (i == 1 or shape.follows)
    at = at + 1
    id = argv[at] or ''
    dash = match(id, '^%d+()%-%d+$')
  end
  if dash ~= dash_before or #id ~= long then
    dash_before, long = read_id(id, id_before, dash, i)
  elseif id <= id_before then
    refuse('entry ' .. i .. ': ids do not rise')
  end
  ids[i], shapes[i], id_before = id, shape, id
  at, total = at + size, total + effects
end
if total > MOST_EFFECTS then
  refuse('more than ' .. MOST_EFFECTS .. ' effects')
elseif at ~= #argv + 1 then
  refuse('not as many words as it says')
end
chained = chained and (n == 1 or shapes[2].follows) -- each follows the one before it

-- Where the words of an entry's effects begin, from where the entry before it ends.
local function begin_of(i, at)
  return at + (shapes[i] == shapes[i - 1] and 1 or 2)
end

-- Of those to be buried: the reason.
local reasons = buries and {} or nil
at = 8
for i = 1, buries and n or 0 do
  at = begin_of(i, at)
  reasons[i] = shapes[i].buries and argv[at] or nil
  at = at + shapes[i].size - 1
end

-- ---- types: a refusal here is one of the whole call, and the sequence is not used ------------------

local kind = call('TYPE', dead_letters).ok
if kind ~= 'stream' and kind ~= 'none' then
  return {'type', -1, -1, kind}
end
if find(flags, 'k', 1, true) then
  local kinds = {}
  at = 8
  for i = 1, n do
    local from = begin_of(i, at)
    shape = shapes[i]
    at = from + shape.size - 1
    for k = 1, shape.n do
      local want, key = shape.kinds[k], argv[from + 1]
      if want ~= '' and shape[k] > 1 then
        -- vouch-lint: allow key-from-data: every key of an effect is in KEYS as well
        kind = kinds[key] or call('TYPE', key).ok
        kinds[key] = kind
        if kind ~= want and kind ~= 'none' then
          return {'type', i - 1, k - 1, kind}
        end
      end
      from = from + shape[k]
    end
  end
end

-- ---- whose are they? ------------------------------------------------------------------------------

local count, ours = 0, nil -- ours stays nil if all are
if doubted then
  held = -1
end
for _, consumer in ipairs(pending[4] or {}) do
  if consumer[1] == me then
    count = tonumber(consumer[2])
  end
end
if count ~= held then
  ours = {}
  if count > 4 * n then -- to ask for each costs less than all that lies between them
    for i = 1, n do
      ours[ids[i]] = call('XPENDING', stream, group, ids[i], ids[i], 1, me)[1]
    end
  elseif count > 0 then
    for _, entry in ipairs(call('XPENDING', stream, group, ids[1], ids[n], count, me)) do
      ours[entry[1]] = entry
    end
  end
end

-- ---- what becomes of them -------------------------------------------------------------------------

-- Nothing that could still be settled: what was trimmed from the stream while somebody works on it may be.
local function nothing_between(a, b)
  a, b = '(' .. a, '(' .. b
  return not call('XRANGE', stream, a, b, 'COUNT', 1)[1] and not call('XPENDING', stream, group, a, b, 1)[1]
end

-- What is settled, as two lists of ids: first all up to low, then the runs. Those behind low are asked for
-- each time, since what held it back may have been trimmed.
local first, last = {'0-0'}, {kept[2] or '0-0'}
for a, b in string.gmatch(kept[3] or '', '(%d+-%d+),(%d+-%d+)') do
  first[#first + 1], last[#last + 1] = a, b
end
while first[2] and nothing_between(last[1], first[2]) do
  table.remove(first, 2)
  last[1] = table.remove(last, 2)
end

-- The first run that does not lie before all of these; by halves, since they may be many.
local start, stop = 1, #last + 1
while start < stop do
  local middle = math.floor((start + stop) / 2)
  if before(last[middle], ids[1]) then
    start = middle + 1
  else
    stop = middle
  end
end

local letters, others, run = {}, false, start
-- All are ours, in one piece, and nothing of them or behind them is settled: then there are no letters yet.
local plain = chained and not ours and not last[start]
for i = 1, plain and 0 or n do
  local id = ids[i]
  while last[run] and before(last[run], id) do
    run = run + 1
  end
  local settled = last[run] and not before(id, first[run])
  if not ours or ours[id] then
    letters[i] = not settled and 'd' or call('XRANGE', stream, id, id)[1] and 's' or 'g'
  elseif call('XPENDING', stream, group, id, id, 1)[1] then
    letters[i] = 'f'
  else
    letters[i] = settled and call('XRANGE', stream, id, id)[1] and 's' or 'g'
  end
  others = others or letters[i] ~= 'd'
end
if others and find(flags, 'a', 1, true) then
  for i = 1, n do
    letters[i] = letters[i] == 'd' and 'n' or letters[i]
  end
end

-- ---- what is settled with these -------------------------------------------------------------------

-- The old runs and the new ones, in order; of two with nothing between them one is made. Two that are old
-- were asked about before.
local new_first, new_last, top, new = {}, {}, math.max(start - 1, 1), false
for k = 1, top do
  new_first[k], new_last[k] = first[k], last[k]
end
local function add(a, b, is_new)
  if new and before(b, new_last[top]) then
    return -- a run of which all was deleted, between two of ours that follow each other
  elseif (new or is_new) and nothing_between(new_last[top], a) then
    new_last[top], new = b, true
  else
    top = top + 1
    new_first[top], new_last[top], new = a, b, is_new
  end
end

local i, settle = 1, {'XACK', stream, group}
run, size = top + 1, 3
if plain then
  settle = {'XACK', stream, group, unpack(ids)}
  add(ids[1], ids[n], true)
  i = n + 1
end
while i <= n or first[run] do
  local id, letter = ids[i], letters[i]
  if first[run] and not (id and before(id, first[run])) then
    add(first[run], last[run], false)
    run = run + 1
  else
    if letter == 'd' then
      size = size + 1
      settle[size] = id
      while letters[i + 1] == 'd' and shapes[i + 1].follows do
        i, size = i + 1, size + 1
        settle[size] = ids[i]
      end
      add(id, ids[i], true)
    elseif letter == 's' or letter == 'g' and (not ours or ours[id]) then
      size = size + 1
      settle[size] = id
    end
    i = i + 1
  end
end
for k = 2, top do
  new_first[k - 1] = new_first[k] .. ',' .. new_last[k]
end
new_first[top] = nil

-- ---- from here on it is written, and nothing may fail any more -------------------------------------

-- Rights are asked for first: a refusal behind an effect would leave it applied and not acknowledged.
local function need_right(...)
  if not redis.acl_check_cmd(...) then
    error({err = 'NOPERM vouch commit: no right to ' .. table.concat({...}, ' ', 1, 2)})
  end
end
need_right('XACK', stream, group, '0-0')
need_right('XADD', dead_letters, '*', 'vouch:id', '')
if find(flags, 'x', 1, true) then
  need_right('XDEL', stream, '0-0')
end
local mine, doubt = 'c:' .. me, doubted and '?' or ''
local now = ' ' .. doubt .. call('TIME')[1]
local answer = plain and string.rep('d', n) or table.concat(letters)
call('HSET', state, mine, argv[3] .. ' ' .. answer .. now,
  'low', new_last[1], 'runs', table.concat(new_first, ' '))

local failures = nil
at, shape = 8, nil
for k = 1, n do
  if shapes[k] ~= shape then
    at, shape = at + 1, shapes[k]
    size = shape.size
  end
  local from = at + 1
  at = at + size
  if plain or letters[k] == 'd' then
    for effect = 1, shape.n do
      local behind = from + shape[effect]
      -- vouch-lint: allow code-from-argv: that is what this is for: the commands of an effect
      local reply = try(unpack(argv, from, behind - 1))
      if type(reply) == 'table' and reply.err then
        failures = failures or {}
        failures[k] = {effect, from, reply.err}
        break
      end
      from = behind
    end
  end
end

-- Dead letters: of an effect that failed with which one it was, and how many ran before it. Here, since a function
-- that is made costs time, and next to no commit needs this one.
local stays = nil -- by id: what no dead letter holds, and is not deleted for that
if failures or reasons then
  -- here: part/dead_letter.lua

  local function what_failed(k, effect, from, words)
    local failed = {}
    for i = from, from + math.min(shapes[k][effect], 201) - 1 do
      failed[#failed + 1] = string.sub(argv[i], 1, 200)
    end
    return {'vouch:ran', effect - 1, 'vouch:failed', string.sub(table.concat(failed, ' '), 1, 200),
      'vouch:error', words}
  end

  for k = 1, plain and n or 0 do
    letters[k] = 'd'
  end
  for k = 1, n do
    local failure, reason = failures and failures[k], reasons and reasons[k]
    if failure or reason and letters[k] == 'd' then
      local id = ids[k]
      local delivered = call('XPENDING', stream, group, id, id, 1)[1]
      local words, whole = dead_letter(id, call('XRANGE', stream, id, id)[1], reason or 'effect',
        delivered and delivered[4] or 0, me, failure and what_failed(k, unpack(failure)))
      local reply = try(unpack(words))
      local refused = type(reply) == 'table' and reply.err
      letters[k] = refused and 'X' or failure and 'x' or 'b'
      if refused or not whole then
        stays = stays or {}
        stays[id] = true
      end
    end
  end
  answer = table.concat(letters)
  call('HSET', state, mine, argv[3] .. ' ' .. answer .. now)
end
if settle[4] then
  call(unpack(settle))
  if find(flags, 'x', 1, true) then
    local gone = {'XDEL', stream}
    for k = 4, #settle do
      if not (stays and stays[settle[k]]) then
        gone[#gone + 1] = settle[k]
      end
    end
    if gone[3] then
      call(unpack(gone))
    end
  end
end
return {'done', answer, doubt}
