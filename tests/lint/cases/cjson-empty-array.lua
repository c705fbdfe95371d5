--- bad at=1 says="SMEMBERS" live="\"{}\""
return cjson.encode(redis.call('SMEMBERS', KEYS[1]))
--- bad at=2 live="\"{}\"" only
local list = redis.call('LRANGE', KEYS[1], 0, 99)
return cjson.encode(list)
--- bad at=7 says="may be empty" live="\"{}\"" only
local names = {}
for _, value in ipairs(ARGV) do
  if #value > 10 then
    names[#names + 1] = value
  end
end
return cjson.encode(names)
--- bad at=2 says="ZRANGE" live="{\"items\":{}}"
local items = redis.call('ZRANGE', KEYS[1], 0, 9)
return cjson.encode({items = items})
--- bad at=6 live="\"{}\""
local json = cjson
local out = {}
for i = 4, #ARGV do
  table.insert(out, ARGV[i])
end
return json.encode(out)
--- bad at=2 live="{}"
local function answer(list) return cjson.encode(list) end
return cjson.encode(redis.call('HKEYS', KEYS[1]))
--- good live="\"[]\""
local members = redis.call('SMEMBERS', KEYS[1])
return #members > 0 and cjson.encode(members) or '[]'
--- good clean
return cjson.encode({count = redis.call('SCARD', KEYS[1])})
--- good clean
return cjson.encode({'a', 'b'})
--- good clean
local counts = {}
for i = 1, #ARGV do
  counts[ARGV[i]] = i
end
return cjson.encode(counts)
--- good clean
local list = redis.call('LRANGE', KEYS[1], 0, 9)
if not list[1] then
  return '[]'
end
return cjson.encode(list)
--- good clean
local names = {'first'}
names[#names + 1] = ARGV[2]
return cjson.encode(names)
--- good clean
local job = cjson.decode(redis.call('GET', KEYS[1]) or '{}')
job.tries = 1
return cjson.encode(job)
--- good
local kept = redis.call('SMEMBERS', KEYS[1])
if next(kept) == nil then
  return '[]'
end
return cjson.encode(kept)
--- bad at=5 live="\"{}\""
local list = {}
for i = 2, #KEYS do
  if ARGV[9] then table.insert(list, KEYS[i]) end
end
return cjson.encode(list)
--- good clean live="[\"10\"]"
local list = {}
for i = 4, #ARGV do
  list[#list + 1] = ARGV[i]
end
table.insert(list, ARGV[1])
return cjson.encode(list)
