-- GCRA, the generic cell rate algorithm: `burst` at once, and then one every period / limit.
--
-- "g<microsecond>,<part>": the time at which all that was taken is paid back, exactly: the part is in
-- units of 1 / limit microseconds. What lies between now and then is the debt; a full burst is its most.
kinds.g = {
  bursts = true,

  open = function(l)
    pace(l)
    l.whole, l.part = 0, 0
    local at, part = read(l, '^g(%d+),(%d+)$')
    if not at or at < now then
      return
    end
    local owed, rest = l.burst * l.step, l.burst * l.rest
    owed, rest = owed + floor(rest / l.limit), rest % l.limit
    l.whole, l.part = at - now, part < l.limit and part or l.limit - 1
    if l.whole > owed or (l.whole == owed and l.part > rest) then
      l.whole, l.part, l.stale = owed, rest, true
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
    return l.burst - used, l.whole + min(l.part, 1)
  end
}
