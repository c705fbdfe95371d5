-- Session store: one script, several commands.
-- KEYS[1] session hash, KEYS[2] set of the user's sessions
-- ARGV[1] command, ARGV[2] session id, ARGV[3] ttl, ARGV[4...] field/value pairs
local cmd = ARGV[1]
local sid = ARGV[2]
local ttl = tonumber(ARGV[3])

local function touch()
	redis.call('EXPIRE', KEYS[1], ttl)
	redis.call('EXPIRE', KEYS[2], ttl * 2)
end

local function load_session()
	local flat = redis.call('HGETALL', KEYS[1])
	local session = {}
	for i = 1, #flat, 2 do
		session[flat[i]] = flat[i + 1]
	end
	return session
end

if cmd == 'create' then
	if redis.call('EXISTS', KEYS[1]) == 1 then
		return { err = 'EXISTS session is there' }
	end
	for i = 4, #ARGV, 2 do
		redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
	end
	redis.call('SADD', KEYS[2], sid)
	touch()
	return redis.status_reply('OK')
elseif cmd == 'read' then
	local session = load_session()
	if next(session) == nil then
		return false
	end
	touch()
	local roles = {}
	for role in string.gmatch(session.roles or '', '[^,]+') do
		roles[#roles + 1] = role
	end
	session.roles = roles
	return cjson.encode(session)
elseif cmd == 'roles' then
	local list = redis.call('HGET', KEYS[1], 'roles')
	local roles = {}
	if list then
		for role in string.gmatch(list, '[^,]+') do
			table.insert(roles, role)
		end
	end
	return cjson.encode(roles)
elseif cmd == 'destroy' then
	redis.call('SREM', KEYS[2], sid)
	return redis.call('UNLINK', KEYS[1])
else
	return redis.error_reply('ERR unknown session command')
end
