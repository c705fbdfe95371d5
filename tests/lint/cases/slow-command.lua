--- bad at=1 says="KEYS looks at every key" only
for _, key in ipairs(redis.call('KEYS', 'session:*')) do
    redis.log(redis.LOG_NOTICE, key)
end
--- bad at=4 says="let the program loop"
local cursor = '0'
local count = 0
repeat
    local reply = redis.call('SCAN', cursor)
    cursor = reply[1]
    count = count + #reply[2]
until cursor == '0'
return count
--- bad at=1 says="FLUSHALL ASYNC" only
return redis.call('FLUSHALL')
--- bad at=1 says="LIMIT" only
return redis.call('sort', KEYS[1], 'DESC')
--- bad at=2 says="SMEMBERS reads all" only
local call = redis.call
return call('SMEMBERS', KEYS[1])
--- bad at=1 says="LRANGE reads all" only
return redis.call('LRANGE', KEYS[1], 0, -1)
--- bad at=1 says="ZRANGE reads all" only
return redis.call('ZRANGE', KEYS[1], '0', '-1', 'WITHSCORES')
--- bad at=1 says="LIMIT" only
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '+inf')
--- bad at=1 says="COUNT" only
return redis.call('XRANGE', KEYS[1], '-', '+')
--- bad at=1 says="FLUSHDB ASYNC" only
return redis.pcall('FLUSHDB', 'SYNC')
--- good clean
for _, key in ipairs(KEYS) do
    redis.call('DEL', key)
end
return 1
--- good clean
return redis.call('LRANGE', KEYS[1], 0, 99)
--- good clean
return redis.call('SORT', KEYS[1], 'LIMIT', 0, 10)
--- good clean
return redis.call('SCAN', ARGV[1], 'COUNT', 100)[1]
--- good clean
return redis.call('FLUSHDB', 'ASYNC')
--- good clean
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '+inf', 'LIMIT', 0, 10)
--- good clean
return redis.call('HGETALL', KEYS[1])
--- good clean
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
--- good clean
return redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 10)
--- good
return redis.call('SORT', KEYS[1], unpack(ARGV))
--- good clean
return redis.call('SMISMEMBER', KEYS[1], 'a', 'b')
