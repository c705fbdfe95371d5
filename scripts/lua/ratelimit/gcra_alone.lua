#!lua
-- One GCRA limit by itself: arguments, key and answer are those of prelude.lua, gcra.lua and decide.lua,
-- which say what they mean, and so is what it decides. It takes half the time, because it makes no function
-- and no table: a script makes its own anew in each call.
local floor, ceil, min = math.floor, math.ceil, math.min
local action = ARGV[1]
local limit, period, burst, cost = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
if #KEYS ~= 1 or #ARGV ~= 7 or ARGV[3] ~= 'g'
  or not (action == 'take' or action == 'peek' or action == 'refund' or action == 'extend' or action == 'release')
  or not (limit and limit >= 1 and limit <= 67108864 and limit % 1 == 0)
  or not (period and period >= 1000 and period <= 31622400000000 and period % 1 == 0 and period >= limit)
  or not (burst and burst >= 1 and burst <= 67108864 and burst % 1 == 0)
  or not (cost and cost >= 0 and cost <= 67108864 and cost % 1 == 0)
then
  error('vouch rate limiter: not the arguments of one GCRA limit', 0)
end

-- A full burst, and what is added for one, in whole microseconds and parts of 1 / limit.
local step, rest = floor(period / limit), period % limit
local full, full_part = burst * step + floor(burst * rest / limit), burst * rest % limit
if full > 31622400000000 then
  error('vouch rate limiter: a burst that takes more than 366 days to come back', 0)
end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local whole, part, stale = 0, 0, false
local text = redis.call('GET', KEYS[1])
if text then
  local at, left = string.match(text, '^g(%d+),(%d+)$')
  if not at then
    error('vouch rate limiter: key 1 holds something else than a limit of its kind', 0)
  end
  at = tonumber(at)
  if at >= now then
    whole, part = at - now, min(tonumber(left), limit - 1)
    if whole > full then -- as far ahead as two bursts only if the clock went back
      local most = 2 * burst * step + floor(2 * burst * rest / limit)
      if whole > most or (whole == most and part > 2 * burst * rest % limit) then
        whole, part, stale = full, full_part, true
      end
    end
  end
end

local wait, change = 0, 0
if cost > burst and (action == 'take' or action == 'peek') then
  wait = -1
elseif cost > 0 and (action == 'take' or action == 'peek') then
  local spare = burst - cost
  wait = whole - spare * step + ceil((part - spare * rest) / limit)
  if wait < 0 then
    wait = 0
  end
end
if action == 'take' and wait == 0 then
  change = cost
elseif action == 'refund' then
  change = -cost
end

if change ~= 0 or stale then
  part = part + change * rest
  whole = whole + change * step + floor(part / limit)
  part = part % limit
  if whole < 0 then
    whole, part = 0, 0
  end
  if whole > 0 or part > 0 then
    local last = ceil((now + whole + min(part, 1)) / 1000)
    redis.call('SET', KEYS[1], string.format('g%.0f,%.0f', now + whole, part), 'PXAT', last)
  else
    redis.call('DEL', KEYS[1])
  end
end

-- whole * limit / period, digit by digit where the product may be beyond 2^53: see `scale`.
local used, over, odd = floor(whole / period) * limit, 0, whole % period
if limit * odd < 9007199254740992 then
  used, over = used + floor(limit * odd / period), limit * odd % period
else
  local quotient, place = 0, 16777216
  repeat
    over = over * 16 + floor(limit / place) % 16 * odd
    quotient, over = quotient * 16 + floor(over / period), over % period
    place = place / 16
  until place < 1
  used = used + quotient
end
used = used + ceil((over + part) / period)
return {wait == 0 and 1 or 0, burst, used < burst and burst - used or 0, wait, whole + min(part, 1)}
