-- GCRA, the generic cell rate algorithm: `burst` at once, and then one every period / limit.
--
-- "g<microsecond>,<part>": the time at which all that was taken is paid back, exactly: the part is in
-- units of 1 / limit microseconds. What lies between now and then is the debt; a full burst is its most.
local function debt(l, n)
  return n * l.step + floor(n * l.rest / l.limit), n * l.rest % l.limit
end

kinds.g = {
  bursts = true,

  open = function(l)
    pace(l)
    l.whole, l.part = 0, 0
    local at, part = read(l, '^g(%d+),(%d+)$')
    if not at or at < now then
      return
    end
    l.whole, l.part = at - now, min(part, l.limit - 1)
    local most, rest = debt(l, 2 * l.burst)
    if l.whole > most or (l.whole == most and l.part > rest) then
      l.whole, l.part = debt(l, l.burst)
      l.stale = true
    end
  end,

  wait = function(l)
    local spare = l.burst - l.cost
    return l.whole - spare * l.step + ceil((l.part - spare * l.rest) / l.limit)
  end,

  put = function(l, change)
    local part = l.part + change * l.rest
    l.whole = l.whole + change * l.step + floor(part / l.limit)
    l.part = part % l.limit
    if l.whole < 0 then
      l.whole, l.part = 0, 0
    end
    keep(l, now + l.whole + min(l.part, 1), 'g%.0f,%.0f', now + l.whole, l.part)
  end,

  left = function(l)
    local used, rest = scale(l.limit, l.whole % l.period, l.period)
    used = floor(l.whole / l.period) * l.limit + used + ceil((rest + l.part) / l.period)
    return max(0, l.burst - used), l.whole + min(l.part, 1)
  end
}
