-- part/field.lua: what a list of names and values, by turns, as XINFO answers, says under a name; nil: nothing.
local function field(list, name)
  for i = 1, #list, 2 do
    if list[i] == name then
      return list[i + 1]
    end
  end
end
