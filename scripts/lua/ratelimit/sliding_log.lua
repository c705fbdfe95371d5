-- A sliding log: no stretch of one period, wherever it begins, has more than `limit`.
--
-- A sorted set in which each microsecond at which something was taken has as its score all that was
-- taken up to then: times and scores rise together, and what was taken in between is a difference. The
-- member "0" stands for those that were removed. A microsecond counts until one period later.
local LOG_MOST = 1000000 -- highest limit
local SWEEP = 1000 -- entries that one call removes

-- Entry number i from 0, or from -1 backwards: time and score.
local function entry(l, i)
  local found = redis.call('ZRANGE', l.key, i, i, 'WITHSCORES')
  return tonumber(found[1] or 0), tonumber(found[2] or 0)
end

-- The time of the first entry with a higher score, or with `low` itself.
local function first(l, low)
  return tonumber(redis.call('ZRANGEBYSCORE', l.key, low, '+inf', 'LIMIT', 0, 1)[1])
end

-- How many entries are of that time or before: steps that double from the oldest, then halves.
local function rank(l, last)
  local low, high, step = 0, l.entries, 1
  while low < high do
    local i = min(low + step - 1, floor((low + high - 1) / 2))
    if entry(l, i) <= last then
      low, step = i + 1, step * 2
    else
      high = i
    end
  end
  return low
end

-- What counts now: all up to the newest, but for what had been taken up to `base`.
local function look(l)
  local base = 0
  l.entries = redis.call('ZCARD', l.key)
  l.newest, l.total = entry(l, -1)
  l.stale = l.newest > now + l.period
  l.gone = l.stale and 0 or rank(l, now - l.period)
  if l.gone > 0 then
    base = select(2, entry(l, l.gone - 1))
  end
  l.base, l.used = base, l.total - base
end

-- What was taken after now counts as taken now.
local function gather(l)
  redis.call('ZREMRANGEBYRANK', l.key, rank(l, now), -1)
  redis.call('ZADD', l.key, l.total, now)
end

-- Removes entries that count no more, SWEEP at most: who comes back late must not hold up the server.
local function sweep(l)
  local last = min(l.gone, SWEEP) - 1
  if l.used == 0 and l.entries > 0 then
    redis.call('UNLINK', l.key)
    l.total = 0
  elseif last > 0 or (last == 0 and entry(l, 0) > 0) then
    local _, before = entry(l, last)
    redis.call('ZREMRANGEBYRANK', l.key, 0, last)
    redis.call('ZADD', l.key, before, '0')
  end
end

-- Takes the newest back until `total` is what was taken in all.
local function cut(l, total)
  if total == l.base then
    redis.call('UNLINK', l.key)
    return
  end
  local above = string.format('(%.0f', total)
  local time_cut = first(l, above)
  redis.call('ZREMRANGEBYSCORE', l.key, above, '+inf')
  if select(2, entry(l, -1)) < total then
    redis.call('ZADD', l.key, total, time_cut)
  end
end

kinds.l = {
  open = function(l)
    if l.limit > LOG_MOST or l.limit > l.period then
      refuse('a log of more than a million, or of more than one a microsecond')
    end
    look(l)
  end,

  wait = function(l)
    local missing = l.used + l.cost - l.limit
    return missing > 0 and (first(l, l.base + missing) or now) + l.period - now or 0
  end,

  put = function(l, change)
    if l.stale then
      gather(l)
      look(l)
    elseif change > 0 then
      sweep(l)
      l.used, l.newest = l.used + change, max(l.newest, now)
      redis.call('ZADD', l.key, l.total + change, l.newest)
    else
      cut(l, max(l.base, l.total + change))
      look(l)
    end
    if l.used > 0 then
      redis.call('PEXPIREAT', l.key, ceil((l.newest + l.period) / 1000))
    end
  end,

  left = function(l)
    return max(0, l.limit - l.used), l.used > 0 and l.newest + l.period - now or 0
  end
}
