-- A token bucket: it holds `burst` tokens, and `limit` of them come back each period, evenly.
--
-- "b<tokens>,<part>,<microsecond>": what was in it at that time, exactly: the part of one more token is
-- in units of 1 / period. Less than nothing is in it while the clock is back before then.
local function drip(l, microseconds)
  local tokens, part = scale(l.limit, microseconds % l.period, l.period)
  return floor(microseconds / l.period) * l.limit + tokens, part
end

-- Microseconds until it holds that many.
local function filled(l, tokens)
  local missing = tokens - l.whole
  return missing * l.step + ceil((missing * l.rest - l.part) / l.limit)
end

kinds.b = {
  bursts = true,

  open = function(l)
    pace(l)
    l.whole, l.part = l.burst, 0
    local tokens, part, at = read(l, '^b(-?%d+),(%d+),(%d+)$')
    if not tokens then
      return
    end
    local more, more_part = drip(l, math.abs(now - at))
    if at > now then -- what comes back until then is in it already
      more, more_part = -more, -more_part
    end
    l.whole = min(tokens, l.burst) + more
    l.part = min(part, l.period - 1) + more_part
    l.whole, l.part = l.whole + floor(l.part / l.period), l.part % l.period
    if l.whole < -l.burst then
      l.whole, l.part, l.stale = 0, 0, true
    elseif l.whole >= l.burst then
      l.whole, l.part = l.burst, 0
    end
  end,

  wait = function(l)
    return filled(l, l.cost)
  end,

  put = function(l, change)
    l.whole = l.whole - change
    if l.whole >= l.burst then
      l.whole, l.part = l.burst, 0
    end
    keep(l, now + filled(l, l.burst), 'b%.0f,%.0f,%.0f', l.whole, l.part, now)
  end,

  left = function(l)
    return max(0, l.whole), filled(l, l.burst)
  end
}
