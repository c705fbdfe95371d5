-- part/ids.lua: which of two ids comes first. Of the script it needs `match`, string.match.
-- Ids are two 64-bit numbers, which Lua's numbers cannot hold: as digits the longer one is the larger one.
local function less(a, b)
  if #a ~= #b then
    return #a < #b
  end
  return a < b
end

local function before(a, b)
  local a1, a2 = match(a, '(%d+)-(%d+)')
  local b1, b2 = match(b, '(%d+)-(%d+)')
  if a1 ~= b1 then
    return less(a1, b1)
  end
  return less(a2, b2)
end
