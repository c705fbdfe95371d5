#!lua flags=no-writes
-- What is to be replayed. KEYS: dead letters. ARGV: ids. Answers of each: "a" absent; "f" foreign: no dead letter; "c" its
-- fields were not copied; or "m", it can be moved, and behind that the stream where it was.
local dead_letters = KEYS[1]
local answer = {}

-- here: part/header.lua

for i = 1, #ARGV do
  local entry = redis.call('XRANGE', dead_letters, ARGV[i], ARGV[i])[1]
  local from, ours
  if entry then
    from, ours = own_words(entry[2])
  end
  answer[i] = not entry and 'a' or not ours and 'f' or not from and 'c' or 'm' .. entry[2][2]
end
return answer
