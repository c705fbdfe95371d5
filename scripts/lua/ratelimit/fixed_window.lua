-- A fixed window: `limit` in each period, periods being counted from 1970 on.
--
-- "f<microsecond>,<count>": the window that begins there, and what was taken in it.
kinds.f = {
  open = function(l)
    local present = now - now % l.period
    local start, count = read(l, '^f(%d+),(%d+)$')
    if not start or start < present then
      start, count = present, 0
    elseif start > present + l.period then
      start, l.stale = present, true
    end
    l.start, l.count = start, min(count, MOST)
  end,

  wait = function(l)
    return l.count + l.cost > l.limit and l.start + l.period - now or 0
  end,

  put = function(l, change)
    l.count = max(0, l.count + change)
    keep(l, l.count > 0 and l.start + l.period or 0, 'f%.0f,%.0f', l.start, l.count)
  end,

  left = function(l)
    return max(0, l.limit - l.count), l.count > 0 and l.start + l.period - now or 0
  end
}
