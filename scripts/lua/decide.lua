-- All limits are read and checked before anything is written, and what is taken is taken from all of
-- them or from none. A limit whose cost is 0 is left alone.
local limits = {}

local function integer(i, low, high)
  local n = tonumber(ARGV[i])
  if not n or n % 1 ~= 0 or n < low or n > high then
    refuse('argument ' .. i .. ' is no integer from ' .. low .. ' to ' .. high)
  end
  return n
end

local function limit_of(number, key)
  local at = 5 * number - 2
  local kind = kinds[ARGV[at]]
  local l = {
    number = number,
    key = key,
    kind = kind or refuse('argument ' .. at .. ' is no kind of limit'),
    limit = integer(at + 1, 1, MOST),
    period = integer(at + 2, 1000, LONGEST),
    burst = integer(at + 3, 1, MOST),
    cost = integer(at + 4, 0, MOST)
  }
  if l.burst ~= l.limit and not kind.bursts then
    refuse('a kind of limit that has no burst')
  end
  for _, other in ipairs(limits) do
    if other.key == key then
      refuse('keys ' .. other.number .. ' and ' .. number .. ' are the same')
    end
  end
  return l
end

-- Whether it can be done as far as this limit goes; else after how long, -1 being never.
local function wait(l)
  if l.cost == 0 then
    return 0
  elseif action == 'take' or action == 'peek' then
    return l.cost > l.burst and -1 or max(0, l.kind.wait(l))
  end
  return l.kind.leases and l.own == 0 and -1 or 0
end

-- What it changes in a limit; nil: nothing. Of a lease that has ended nothing is left to change.
local function change(l, all)
  local leases = l.kind.leases
  if l.cost == 0 then
    return nil
  elseif action == 'take' then
    return all and l.cost or nil
  elseif leases and l.own == 0 then
    return nil
  elseif action == 'refund' then
    return -l.cost
  elseif action == 'release' then
    return leases and -l.own or nil
  elseif action == 'extend' then
    return leases and all and l.own or nil
  end
end

if #KEYS < 1 or #KEYS > 16 or #ARGV ~= 2 + 5 * #KEYS then
  refuse('not as many arguments as keys want')
elseif not (action == 'take' or action == 'peek' or action == 'refund' or action == 'extend'
    or action == 'release') then
  refuse('there is nothing called ' .. action)
end
for i, key in ipairs(KEYS) do
  limits[i] = limit_of(i, key)
end
for _, l in ipairs(limits) do
  l.kind.open(l)
end

local all, answer = true, {}
for _, l in ipairs(limits) do
  if l.stale then
    l.kind.put(l, 0)
  end
  l.wait = wait(l)
  all = all and l.wait == 0
end
for _, l in ipairs(limits) do
  local by = change(l, all)
  if by then
    l.kind.put(l, by)
  end
  local n = #answer
  answer[n + 1], answer[n + 2] = l.wait == 0 and 1 or 0, l.burst
  answer[n + 3], answer[n + 5] = l.kind.left(l)
  answer[n + 4] = l.wait
end
return answer
