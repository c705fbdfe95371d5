-- A weighted sliding window: what was taken in the present period, and of the period before as much as
-- still lies within one period from now, as if it had been taken evenly.
--
-- "w<microsecond>,<before>,<count>": the window that begins there, what was taken in the one before it,
-- and in itself.

-- How much of the window before still lies within one period.
local function overlap(l)
  return l.period - max(0, now - l.start)
end

-- What counts of the window before, rounded up.
local function weight(l)
  local whole, rest = scale(l.before, overlap(l), l.period)
  return whole + min(rest, 1)
end

-- The longest overlap with which of `count` no more than `room` counts, room being less than count.
local function allowance(l, count, room)
  return room * floor(l.period / count) + floor(room * (l.period % count) / count)
end

kinds.w = {
  open = function(l)
    local present = now - now % l.period
    local start, before, count = read(l, '^w(%d+),(%d+),(%d+)$')
    if not start or start <= present - 2 * l.period then
      start, before, count = present, 0, 0
    elseif start > present + l.period or start % l.period > 0 then -- or the period was another one
      start, l.stale = present, true
    elseif start < present then
      start, before, count = present, count, 0
    end
    l.start, l.before, l.count = start, min(before, MOST), min(count, MOST)
  end,

  wait = function(l)
    local room = l.limit - l.count - l.cost
    if room >= weight(l) then
      return 0
    elseif room >= 0 then
      return l.start + l.period - allowance(l, l.before, room) - now
    end
    return l.start + 2 * l.period - allowance(l, l.count, l.limit - l.cost) - now
  end,

  put = function(l, change)
    local count = l.count + change
    l.count, l.before = max(0, count), max(0, l.before + min(0, count))
    local _, reset = kinds.w.left(l)
    keep(l, now + reset, 'w%.0f,%.0f,%.0f', l.start, l.before, l.count)
  end,

  left = function(l)
    local periods = l.count > 0 and 2 or l.before > 0 and 1 or 0
    return max(0, l.limit - l.count - weight(l)), periods > 0 and l.start + periods * l.period - now or 0
  end
}
