-- part/header.lua: of the words of an entry among the dead letters, where those begin that it had before it was one;
-- nil if nothing is left of them; and whether it is a dead letter at all. dead_letter.lua writes what is read here.
local function own_words(words)
  if words[1] ~= 'vouch:stream' or words[3] ~= 'vouch:group' or words[5] ~= 'vouch:id'
    or words[7] ~= 'vouch:reason'
  then
    return nil, false
  end
  for i = 9, #words, 2 do
    if words[i] == 'vouch:fields' then
      local left = #words - i - 1
      return left > 0 and i + 2 or nil, left == 0 or left == 2 * (tonumber(words[i + 1]) or 0)
    elseif string.sub(words[i], 1, 6) ~= 'vouch:' then
      break
    end
  end
  return nil, false
end
