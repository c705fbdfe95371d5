#!lua
-- Rate limiters, on the server's clock. This file comes first, then one file for each kind of limit
-- that is asked for, then decide.lua. All of it is one script and one call.
--
-- KEYS  one for each limit
-- ARGV  what to do (take, peek, refund, extend, release); the name of a lease, or nothing; then for
--       each limit: kind, limit, period in microseconds, burst, cost
--
-- The answer has five integers for each limit: allowed (1 or 0), the most it can ever allow, how much
-- of it remains, after how many microseconds to try again (-1: never), and after how many all of it
-- will be there again.
--
-- Every number is whole and below 2^53, up to which Lua's numbers are exact: limits, bursts and costs
-- are at most MOST, periods at most LONGEST, and no product of theirs is formed that could be larger.
-- Every key that is written gets its time to live in the same command or the next, as a point in time
-- in milliseconds, rounded up: when it comes, what the key says has become true of an absent key. Some
-- servers look at their clock once more there, and remove at once what has just ended: so what a key
-- held is not asked for again behind that.
local MOST = 67108864 -- 2^26
local LONGEST = 31622400000000 -- 366 days, below 2^45
local floor, ceil, min, max = math.floor, math.ceil, math.min, math.max
local action, lease = ARGV[1], ARGV[2]
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- A kind has these functions of a limit `l`:
--   open   reads its key and raises what is wrong, writing nothing. A state from later than now is there
--          because the clock went back. It holds as it is, so that a clock that goes to and fro gives
--          nothing away; but if it is from more than a whole period later, sets l.stale: then it is put
--          down again as of now, so that nobody is locked out until the clock is where it was
--   wait   microseconds until l.cost fits; 0 or less if it does now
--   put    adds to what is used (takes away if negative) and writes it
--   left   how much remains, and after how many microseconds all of it
local kinds = {}

local function refuse(what)
  error('vouch rate limiter: ' .. what, 0)
end

-- The state in a key, as up to three numbers; nothing if there is none.
local function read(l, pattern)
  local text = redis.call('GET', l.key)
  if not text then
    return
  end
  local a, b, c = string.match(text, pattern)
  if not a then
    refuse('key ' .. l.number .. ' holds something else than a limit of its kind')
  end
  return tonumber(a), tonumber(b), tonumber(c)
end

-- Writes a state that is worth nothing any more from `last` on.
local function keep(l, last, ...)
  if last > now then
    redis.call('SET', l.key, string.format(...), 'PXAT', ceil(last / 1000))
  else
    redis.call('DEL', l.key)
  end
end

-- a * b / c for a < 2^28 and b <= c < 2^48, as quotient and remainder: digit by digit, since the product
-- itself may be beyond 2^53.
local function scale(a, b, c)
  if a * b < 9007199254740992 then
    return floor(a * b / c), a * b % c
  end
  local quotient, rest, place = 0, 0, 16777216
  repeat
    rest = rest * 16 + floor(a / place) % 16 * b
    quotient = quotient * 16 + floor(rest / c)
    rest = rest % c
    place = place / 16
  until place < 1
  return quotient, rest
end

-- Of limits that fill up evenly: the microseconds for one, whole and as what is left of the division.
local function pace(l)
  l.step, l.rest = floor(l.period / l.limit), l.period % l.limit
  if l.step < 1 then
    refuse('more than one a microsecond')
  end
  if l.burst * l.step + floor(l.burst * l.rest / l.limit) > LONGEST then
    refuse('a burst that takes more than 366 days to come back')
  end
end
