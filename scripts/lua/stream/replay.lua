#!lua
-- Moves dead letters back into streams: each is added with the fields that it had, and deleted here, in one step; so
-- none comes back twice, whoever calls and however often.
--
-- KEYS  dead letters, record, streams
-- ARGV  "m" to mark them, or nothing; how long the record is kept, in milliseconds; then for each: its id, and which of
--       the streams it goes to, from 1
--
-- The record is for a call that comes again because its answer was lost: by then what it moved is not there, and would
-- look as if another had moved it. It says how often the call was made, and of each id that was moved the new one.
--
-- Answers one of
--   done, how often the call was made with this one, and a list: of each the new id, or "a" absent, "f" foreign,
--     "c" its fields were not copied
--   type, which stream, what it is      no stream: nothing was done
--   right, which key, command           a right is missing: nothing was done
local dead_letters, record = KEYS[1], KEYS[2]
local call = redis.call
local mark, life = ARGV[1] == 'm', ARGV[2]

if #KEYS < 3 or #ARGV < 4 or #ARGV % 2 ~= 0 then
  error('vouch replay: not the words of a call', 0)
end

-- here: part/header.lua

-- Before the first is moved: what is refused is refused whole.
for i = 3, #KEYS do
  local kind = call('TYPE', KEYS[i]).ok
  if kind ~= 'stream' and kind ~= 'none' then
    return {'type', i - 2, kind}
  elseif not redis.acl_check_cmd('XADD', KEYS[i], '*', 'f', 'v') then
    return {'right', i, 'XADD'}
  end
end
if not redis.acl_check_cmd('XDEL', dead_letters, '0-1') then
  return {'right', 1, 'XDEL'}
end
for _, words in ipairs({{'HINCRBY', 'f', '1'}, {'HSET', 'f', 'v'}, {'HGET', 'f'}, {'PEXPIRE', '1'}}) do
  if not redis.acl_check_cmd(words[1], record, unpack(words, 2)) then
    return {'right', 2, words[1]}
  end
end

-- What the marks of an earlier replay said gives way to what is so now.
local function with_marks(words)
  local n = #words
  if words[n - 3] == 'vouch:replayed-group' and words[n - 1] == 'vouch:replayed-id' then
    n = n - 4
  end
  words[n + 1], words[n + 2] = 'vouch:replayed-group', words[4]
  words[n + 3], words[n + 4] = 'vouch:replayed-id', words[6]
end

local tries = call('HINCRBY', record, 'tries', 1)
call('PEXPIRE', record, life)
local answer = {}
for i = 3, #ARGV, 2 do
  local id = ARGV[i]
  local entry = call('XRANGE', dead_letters, id, id)[1]
  local from, ours
  if entry then
    from, ours = own_words(entry[2])
  end
  local said = 'c'
  if not entry then
    said = call('HGET', record, id) or 'a'
  elseif not ours then
    said = 'f'
  elseif from then
    if mark then
      with_marks(entry[2])
    end
    said = call('XADD', KEYS[2 + tonumber(ARGV[i + 1])], '*', unpack(entry[2], from))
    call('XDEL', dead_letters, id)
    call('HSET', record, id, said)
  end
  answer[#answer + 1] = said
end
return {'done', tries, answer}
