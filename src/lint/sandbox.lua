-- What a script finds in the sandbox, as lint.sandbox: read-only, and the same for all rules.
--
--     lint.sandbox['os.clock'] = {
--         on = {['redis-7.4'] = true, ...}, -- the targets that have it
--         eval = true,      -- in a script
--         call = true,      -- in a function of a library, when it is called
--         load = false,     -- while FUNCTION LOAD runs the library
--         library = false,  -- whether it is a table that has members in here
--         unfixed = false,  -- only on servers that lack the security fixes of October 2025
--     }
--
-- Members of `server` are those of `redis`, and have that name. Seen on Redis 7.0 and 8.0, Valkey 8.0, 8.1
-- and 9.1 (test_sandbox asks them again); the lines between are as their release notes say.

local LINES = {'redis-7.0', 'redis-7.2', 'redis-7.4', 'valkey-7.2', 'valkey-8.0', 'valkey-8.1', 'redis-8.0', 'valkey-9.0',
               'valkey-9.1'}
local EVERY = table.concat(LINES, ' ')
local VALKEY = 'valkey-8.0 valkey-8.1 valkey-9.0 valkey-9.1'
local CLOCK = 'redis-7.4 redis-8.0 ' .. VALKEY

local sandbox = {}

-- Words of `names`, with a prefix, that have all of `what`.
local function add(prefix, names, what)
    local on = {}
    for line in (what.on or EVERY):gmatch('%S+') do
        on[line] = true
    end
    for name in names:gmatch('%S+') do
        sandbox[prefix .. name] = {
            on = on,
            eval = what.eval ~= false,
            call = what.call ~= false,
            load = what.load == true,
            library = what.library == true,
            unfixed = what.unfixed == true,
        }
    end
end

add('', [[assert collectgarbage error gcinfo getmetatable ipairs load loadstring next pairs pcall rawequal rawget
    rawset select setmetatable tonumber tostring type unpack xpcall _VERSION]], {})
add('', 'bit cjson cmsgpack coroutine math string struct table _G', {library = true})
add('', 'os', {library = true, on = CLOCK})
add('', 'redis', {library = true, load = true})
add('', 'server', {library = true, load = true, on = VALKEY})
add('', 'KEYS ARGV', {call = false})
add('', 'getfenv setfenv newproxy', {unfixed = true})

add('bit.', 'arshift band bnot bor bswap bxor lshift rol ror rshift tobit tohex', {})
add('cjson.', [[_NAME _VERSION decode decode_invalid_numbers decode_max_depth encode encode_invalid_numbers
    encode_keep_buffer encode_max_depth encode_number_precision encode_sparse_array new null]], {})
add('cmsgpack.', '_COPYRIGHT _DESCRIPTION _NAME _VERSION pack unpack unpack_limit unpack_one', {})
add('coroutine.', 'create resume running status wrap yield', {})
add('math.', [[abs acos asin atan atan2 ceil cos cosh deg exp floor fmod frexp huge ldexp log log10 max min mod modf
    pi pow rad random randomseed sin sinh sqrt tan tanh]], {})
add('os.', 'clock', {on = CLOCK})
add('string.', 'byte char dump find format gfind gmatch gsub len lower match rep reverse sub upper', {})
add('struct.', 'pack size unpack', {})
add('table.', 'concat foreach foreachi getn insert maxn remove setn sort', {})

add('redis.', [[acl_check_cmd call error_reply pcall set_repl setresp sha1hex status_reply REPL_ALL REPL_AOF REPL_NONE
    REPL_REPLICA REPL_SLAVE]], {})
add('redis.', 'breakpoint debug replicate_commands', {call = false})
add('redis.', 'register_function', {eval = false, call = false, load = true})
add('redis.', 'log LOG_DEBUG LOG_NOTICE LOG_VERBOSE LOG_WARNING REDIS_VERSION REDIS_VERSION_NUM', {load = true})
add('redis.', 'SERVER_NAME VALKEY_VERSION VALKEY_VERSION_NUM', {load = true, on = VALKEY})

return sandbox
