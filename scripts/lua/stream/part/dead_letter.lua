-- part/dead_letter.lua: the words that make a dead letter of entry `id` of `stream`; the script acknowledges it. Needs
-- `stream`, `dead_letters` and `group` of the script. A dead letter says
--   vouch:stream, vouch:group, vouch:id   where the entry was
--   vouch:reason       why: what the consumer said; or "deliveries": too many; or "effect": one failed
--   vouch:deliveries   how often it was delivered
--   vouch:consumer     whom it was pending with
--   what `more` holds, names and values by turns: of an effect vouch:ran, vouch:failed and vouch:error (commit.lua)
--   vouch:fields       how many fields the entry had, none if it was deleted; they come behind this one
-- With more words than Lua can pass on they do not: so much of it is told, and where the rest is. Then the entry must
-- not be deleted, or nothing were left of it.
--
-- Answers the words of XADD; and whether the entry is in them, or there was none.
local MOST_COPIED = 7000 -- words; unpack fails at some 7,900
local function dead_letter(id, entry, reason, deliveries, holder, more)
  local fields = entry and entry[2] or {}
  local words = {'XADD', dead_letters, '*', 'vouch:stream', stream, 'vouch:group', group, 'vouch:id', id,
    'vouch:reason', reason, 'vouch:deliveries', deliveries, 'vouch:consumer', holder}
  for _, word in ipairs(more or {}) do
    words[#words + 1] = word
  end
  words[#words + 1], words[#words + 2] = 'vouch:fields', #fields / 2
  if #fields > MOST_COPIED then
    return words, false
  end
  for _, word in ipairs(fields) do
    words[#words + 1] = word
  end
  return words, true
end
