-- Takes up to n jobs from several lists, the first ones first, and keeps them in a list of this worker.
-- KEYS: lists in the order of their priority, and at the end the worker's own
-- ARGV[1] n, ARGV[2] now, ARGV[3] JSON of the worker
local n = tonumber(ARGV[1])
local mine = KEYS[#KEYS]
local jobs = {}

for i = 1, #KEYS - 1 do
    while #jobs < n do
        local job = redis.call("LMOVE", KEYS[i], mine, "RIGHT", "LEFT")
        if not job then
            break
        end
        jobs[#jobs + 1] = job
    end
end

local worker = cjson.decode(ARGV[3])
if worker.label ~= nil and worker.label ~= cjson.null then
    redis.call("CLIENT", "SETNAME", worker.label)
end

-- jobs are JSON; those that have been tried too often are told apart
local result = {}
for _, job in ipairs(jobs) do
    local ok, t = pcall(cjson.decode, job)
    if not ok then
        t = { raw = job }
    end
    t.attempts = (t.attempts or 0) + 1
    t.taken = ARGV[2]
    result[#result + 1] = cjson.encode(t)
end
return result
