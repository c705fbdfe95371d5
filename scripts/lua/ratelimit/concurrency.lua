-- Concurrency: no more than `limit` held at once, by leases that end on their own after `period`.
--
-- A sorted set of slots: a lease that holds n of them has the members "1:name" to "n:name", and the time
-- at which it ends as their score. At that time they are free; whoever held them can neither extend nor
-- release what another one has by then.
local SLOTS_MOST = 100000 -- highest limit
local LEASE_MOST = 1000 -- slots of one lease

local function slot(i)
  return i .. ':' .. lease
end

local function count(l, low, high)
  return redis.call('ZCOUNT', l.key, low, high)
end

local function above(microsecond)
  return string.format('(%.0f', microsecond)
end

-- How many slots are in use, and until when the last of them.
local function look(l)
  l.used = count(l, above(now), '+inf')
  local last = redis.call('ZRANGE', l.key, -1, -1, 'WITHSCORES')
  l.last = tonumber(last[2] or 0)
end

-- Gives the lease so many slots, all until one period from now.
local function hold(l, slots)
  redis.call('ZREMRANGEBYSCORE', l.key, '-inf', now)
  for i = 1, slots do
    redis.call('ZADD', l.key, now + l.period, slot(i))
  end
  for i = slots + 1, l.own do
    redis.call('ZREM', l.key, slot(i))
  end
  l.own = slots
end

-- No lease has more than a period left.
local function shorten(l)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', l.key, above(now + l.period), '+inf')) do
    redis.call('ZADD', l.key, now + l.period, member)
  end
end

kinds.c = {
  leases = true,

  open = function(l)
    if l.limit > SLOTS_MOST or l.cost > LEASE_MOST then
      refuse('more than 100,000 slots, or more than 1,000 for one lease')
    elseif lease == '' and l.cost > 0 and action ~= 'peek' then
      refuse('no lease is named')
    end
    look(l)
    l.stale, l.own = l.last > now + 2 * l.period, 0
    while lease ~= '' and tonumber(redis.call('ZSCORE', l.key, slot(l.own + 1)) or 0) > now do
      l.own = l.own + 1
    end
  end,

  -- Its own slots do not stand in its way: a lease that is taken again goes on. Among those that end
  -- first may be some of its own, which free nothing for it: so as many more are waited for.
  wait = function(l)
    local missing = l.used - l.own + l.cost - l.limit
    if missing <= 0 then
      return 0
    end
    local last = missing + l.own - 1
    local ends = redis.call('ZRANGEBYSCORE', l.key, above(now), '+inf', 'WITHSCORES', 'LIMIT', last, 1)
    return tonumber(ends[2] or now + 1) - now
  end,

  put = function(l, change)
    if l.stale then
      shorten(l)
      l.stale = false
    else
      hold(l, max(0, change))
    end
    look(l)
    if l.used > 0 then
      redis.call('PEXPIREAT', l.key, ceil(l.last / 1000))
    end
  end,

  left = function(l)
    return max(0, l.limit - l.used), l.used > 0 and l.last - now or 0
  end
}
