-- All limits are read and checked before anything is written, and what is taken is taken from all of
-- them or from none. A limit whose cost is 0 is left alone.
local limits = {}

local function integer(i, low, high)
  local n = tonumber(ARGV[i])
  if n and n >= low and n <= high and n % 1 == 0 then
    return n
  end
  refuse('argument ' .. i .. ' is no integer from ' .. low .. ' to ' .. high)
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
    cost = integer(at + 4, 0, MOST),
    wait = 0, stale = false, step = 0, rest = 0, whole = 0, part = 0 -- room for what is set later
  }
  if l.burst ~= l.limit and not kind.bursts then
    refuse('a kind of limit that has no burst')
  end
  for other = 1, number - 1 do
    if limits[other].key == key then
      refuse('keys ' .. other .. ' and ' .. number .. ' are the same')
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
for i = 1, #KEYS do
  limits[i] = limit_of(i, KEYS[i])
end
for i = 1, #limits do
  limits[i].kind.open(limits[i])
end

local all, answer = true, {0, 0, 0, 0, 0} -- room for one limit
for i = 1, #limits do
  local l = limits[i]
  if l.stale then
    l.kind.put(l, 0)
  end
  l.wait = wait(l)
  all = all and l.wait == 0
end
for i = 1, #limits do
  local l, n = limits[i], 5 * (i - 1)
  local by = change(l, all)
  if by then
    l.kind.put(l, by)
  end
  answer[n + 1], answer[n + 2] = l.wait == 0 and 1 or 0, l.burst
  local left, reset = l.kind.left(l)
  answer[n + 3], answer[n + 4], answer[n + 5] = left, l.wait, reset
end
return answer
