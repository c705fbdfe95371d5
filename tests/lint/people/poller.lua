-- Moves scheduled and retried jobs that are due to their queues. Each job is JSON that names its queue.
-- KEYS[1] "schedule" or "retry"
-- ARGV[1] now (seconds with fraction), ARGV[2] how many at most
local zset, now, limit = KEYS[1], ARGV[1], tonumber(ARGV[2]) or 100
local moved = 0

local jobs = redis.call("zrangebyscore", zset, "-inf", now, "limit", 0, limit)
for i, payload in ipairs(jobs) do
	local ok, job = pcall(cjson.decode, payload)
	if ok and type(job) == "table" and job.queue then
		job.enqueued_at = tonumber(now)
		redis.call("sadd", "queues", job.queue)
		redis.call("lpush", "queue:" .. job.queue, cjson.encode(job))
		moved = moved + 1
	else
		redis.log(redis.LOG_WARNING, "poller: cannot read job " .. payload)
		redis.call("zadd", "dead", now, payload)
	end
	redis.call("zrem", zset, payload)
end

-- next = when to look again
local next = redis.call("zrange", zset, 0, 0, "withscores")
if #next == 0 then
	return {moved, false}
end
return {moved, next[2]}
