--- bad at=2 says="job.owner" only
local job = cjson.decode(ARGV[1] == '10' and '{"owner":null}' or '{}')
if job.owner ~= nil then
  return type(job.owner)
end
return 'none'
--- bad at=2 live="\"owned\"" only
local job = cjson.decode('{"owner":null}')
if job.owner == nil then
  return 'free'
end
return 'owned'
--- bad at=3
local decode = cjson.decode
local job = decode(ARGV[2])
return job.next.id == nil and 1 or 0
--- bad at=2 says="pcall" live="(error)" only
local job = cjson.decode(ARGV[2])
if not job then
  return redis.error_reply('ERR no JSON')
end
return job.id
--- bad at=2 says="never nil" only
local job = cjson.decode(ARGV[1])
if job == nil then
  return redis.error_reply('ERR no JSON')
end
return 1
--- bad at=3
local job = cjson.decode(ARGV[1])
local owner = job.owner
if owner ~= nil then
  redis.call('SET', KEYS[1], owner)
end
--- good clean
local job = cjson.decode(ARGV[1])
if job.owner and job.owner ~= cjson.null then
  redis.call('SET', KEYS[1], job.owner)
end
--- good clean
local ok, job = pcall(cjson.decode, ARGV[2])
if not ok then
  return redis.error_reply('ERR no JSON')
end
return job.id
--- good clean
local text = redis.call('GET', KEYS[1])
local job = text and cjson.decode(text)
if not job then
  return 0
end
return job.id
--- good clean
local job = cjson.decode(ARGV[1])
if type(job.owner) == 'string' then
  redis.call('SET', KEYS[1], job.owner)
end
--- good clean
local job = cjson.decode(ARGV[1])
if job.state == 'done' then
  return 1
end
return 0
--- good clean
local job = {}
if job.owner == nil then
  job.owner = ARGV[2]
end
return job.owner
--- good clean
local job
if ARGV[1] ~= '' then
  job = cjson.decode(ARGV[1])
end
if job == nil then
  return 'none'
end
return job.id
