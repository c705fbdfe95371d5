--- bad at=1:8 says="cut off" live="(integer) 3" only
return 3.7
--- bad at=2 live="(integer) 3" only
local a, b = tonumber(ARGV[1]), tonumber(ARGV[3])
return a / b
--- bad at=2 says="total / 3" live="1) (integer) 3 2) \"x\""
local total = tonumber(ARGV[1])
return {total / 3, 'x'}
--- bad at=1 setup="SET {t}1 1.5" live="(integer) 2"
return tonumber(redis.call('INCRBYFLOAT', KEYS[1], '1.25'))
--- bad at=3 live="(integer) 0"
local now = tonumber(ARGV[1])
local rate = 0.25
return math.min(rate, now)
--- bad at=4
local limit, period = tonumber(ARGV[1]), tonumber(ARGV[3])
local rate = limit / period
local left = rate * 2
return {1, left}
--- bad at=6
local function average(sum, n)
  local each = sum / n
  return each
end
local mean = 10 / 4
return mean
--- bad kind=function at=3 live="(integer) 3"
#!lua name=c
local function f(keys, args)
  return args[1] / 3
end
redis.register_function{function_name = 'f', callback = f}
--- good clean live="\"3.3333333333333\""
local a, b = tonumber(ARGV[1]), tonumber(ARGV[3])
return tostring(a / b)
--- good clean live="(integer) 3"
return math.floor(tonumber(ARGV[1]) / tonumber(ARGV[3]))
--- good clean
return tonumber(redis.call('GET', KEYS[1]) or '0')
--- good clean live="(integer) 2"
return #redis.call('HGETALL', KEYS[1]) / 2 + 2
--- good clean
local n = 10 / 2
return n
--- good clean live="(integer) 3"
local a, b = tonumber(ARGV[1]), tonumber(ARGV[3])
return (a - a % b) / b
--- good clean
local left = tonumber(ARGV[1]) / 3
left = math.floor(left)
return left
--- good clean
return string.format('%.3f', tonumber(ARGV[1]) / 3)
--- good clean live="\"3.33333"
local function share(n)
  return n / 3
end
redis.call('SET', KEYS[1], share(tonumber(ARGV[1])))
return redis.call('GET', KEYS[1])
--- good clean live="3.7"
return {double = 3.7}
