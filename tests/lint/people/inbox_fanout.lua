-- A post goes to the inboxes of all followers.
-- KEYS[1] followers (set), KEYS[2] post (hash), KEYS[3] author's own posts (list)
-- ARGV[1] post id, ARGV[2] JSON of the post, ARGV[3] inbox prefix, ARGV[4] most per inbox
local post = cjson.decode(ARGV[2])
local id = ARGV[1]

redis.call("HSET", KEYS[2], "author", post.author, "text", post.text, "at", post.at, "tags", table.concat(post.tags or {}, ","))
redis.call("LPUSH", KEYS[3], id)

local cursor = "0"
local count = 0
repeat
	local reply = redis.call("SSCAN", KEYS[1], cursor, "COUNT", 500)
	cursor = reply[1]
	for _, follower in ipairs(reply[2]) do
		local inbox = ARGV[3] .. follower
		redis.call("LPUSH", inbox, id)
		redis.call("LTRIM", inbox, 0, ARGV[4] - 1)
		count = count + 1
	end
until cursor == "0"

if post.mentions then
	for _, name in pairs(post.mentions) do
		redis.call("PUBLISH", "mentions:" .. name, id)
	end
end

return count
