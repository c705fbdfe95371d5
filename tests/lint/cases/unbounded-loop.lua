--- bad at=1 says="LPOP" only
while redis.call('LPOP', KEYS[1]) do
  redis.call('INCR', KEYS[2])
end
--- bad at=2 says="SCAN" only
local cursor, found = '0', 0
repeat
  local page = redis.call('SSCAN', KEYS[1], cursor, 'COUNT', 100)
  cursor = page[1]
  found = found + #page[2]
until cursor == '0'
return found
--- bad at=1 says="RPOP" only
while true do
  local value = redis.call('RPOP', KEYS[1])
  if not value then
    break
  end
  redis.call('LPUSH', KEYS[2], value)
end
--- bad at=2
local value = redis.call('LPOP', KEYS[1])
while value do
  redis.call('SADD', KEYS[2], value)
  value = redis.call('LPOP', KEYS[1])
end
--- bad at=2
local from = '-'
repeat
  local page = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 100)
  for _, entry in ipairs(page) do
    from = '(' .. entry[1]
  end
until #page < 100
--- bad at=3
local done = false
local call = redis.call
while not done do
  local due = call('ZPOPMIN', KEYS[1])
  done = due[1] == nil
  if not done then
    call('RPUSH', KEYS[2], due[1])
  end
end
--- good clean
local most = 100
while most > 0 and redis.call('LPOP', KEYS[1]) do
  redis.call('INCR', KEYS[2])
  most = most - 1
end
--- good clean
for _, value in ipairs(ARGV) do
  redis.call('SADD', KEYS[1], value)
end
--- good clean
local rounds = 0
while true do
  rounds = rounds + 1
  local value = redis.call('RPOP', KEYS[1])
  if not value or rounds > 100 then
    break
  end
  redis.call('LPUSH', KEYS[2], value)
end
--- good clean
local found = {}
while #found < 10 do
  local value = redis.call('RPOP', KEYS[1])
  if not value then
    break
  end
  found[#found + 1] = value
end
return found
--- good clean
local i = 1
while ARGV[i] do
  redis.call('SADD', KEYS[1], ARGV[i])
  i = i + 1
end
--- good clean
local low, high = 1, 1024
while low < high do
  local middle = math.floor((low + high) / 2)
  if redis.call('EXISTS', KEYS[1]) == 1 then
    high = middle
  else
    low = middle + 1
  end
end
return low
--- good clean
local text = ARGV[2]
while #text < 8 do
  text = text .. '0'
end
return text
