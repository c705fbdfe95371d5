return {
    severity = 'warning',
    summary = 'a command that takes as long as there is data, while the server does nothing else',
    why = [[A script holds the whole server until it is done. KEYS, and SCAN in a loop, look at every key there is;
FLUSHALL and FLUSHDB free every key before they answer; SORT without LIMIT sorts and answers all elements. On a large
data set that is seconds in which no other client is served; after busy-reply-threshold they get BUSY.
Reading the whole of one collection (SMEMBERS, LRANGE 0 -1) is as slow as that collection is long; it is told as a hint,
since only you know how long that is.]],
    bad = [[for _, key in ipairs(redis.call('KEYS', 'session:*')) do
    redis.call('DEL', key)
end]],
    good = [[for _, key in ipairs(KEYS) do
    redis.call('DEL', key)
end]],
    check = function(lint)
        -- Whether a word is among the arguments, or might be.
        local function has(call, wanted, from)
            for i = from or 1, #call.arguments do
                local word = lint.constant(call.arguments[i])
                if type(word) == 'string' and word:upper() == wanted or word == nil and i > 1 then
                    return true
                end
            end
            return call.open
        end

        local function is(call, i, text)
            local word = call.arguments[i] and lint.constant(call.arguments[i])
            return word ~= nil and tostring(word):gsub('%.0$', '') == text
        end

        local function looped(node)
            for parent in lint.parents(node) do
                if parent.kind == 'while' or parent.kind == 'repeat' or parent.kind == 'for_number'
                    or parent.kind == 'for_in' then
                    return true
                elseif parent.kind == 'function' then
                    return false
                end
            end
            return false
        end

        local judges = {}

        judges.KEYS = function(node)
            lint.report(node, 'KEYS looks at every key there is, while the server does nothing else: keep the names you '
                .. 'need in a set, or let the program SCAN')
        end

        judges.SCAN = function(node)
            if looped(node) then
                lint.report(node, 'SCAN in a loop looks at every key there is, while the server does nothing else: let '
                    .. 'the program loop, and do one step in a call')
            end
        end

        local function flush(node, call)
            if not has(call, 'ASYNC') then
                lint.report(node, ('%s frees every key while the server does nothing else: write %s ASYNC'):format(
                    call.name, call.name))
            end
        end
        judges.FLUSHALL, judges.FLUSHDB = flush, flush

        local function sort(node, call)
            if not has(call, 'LIMIT', 2) then
                lint.report(node, ('%s without LIMIT sorts all elements while the server does nothing else: give it a '
                    .. 'LIMIT, or keep them in a sorted set'):format(call.name))
            end
        end
        judges.SORT, judges.SORT_RO = sort, sort

        local function whole(instead)
            return function(node, call)
                lint.report(node, ('%s reads all of the key at once, however much that is: %s'):format(call.name, instead),
                    'info')
            end
        end

        judges.SMEMBERS = whole('read it in steps with SSCAN, or know that it stays small')

        local function range(node, call)
            if is(call, 2, '0') and is(call, 3, '-1') then
                whole('name the last index that you need, or know that it stays small')(node, call)
            end
        end
        judges.LRANGE, judges.ZRANGE, judges.ZREVRANGE = range, range, range

        local function scores(low, high)
            return function(node, call)
                if is(call, 2, low) and is(call, 3, high) and not has(call, 'LIMIT', 4) and not has(call, 'COUNT', 4) then
                    whole(('give it a %s, or know that it stays small'):format(low:find('inf') and 'LIMIT' or 'COUNT'))(
                        node, call)
                end
            end
        end
        judges.ZRANGEBYSCORE, judges.ZREVRANGEBYSCORE = scores('-inf', '+inf'), scores('+inf', '-inf')
        judges.XRANGE, judges.XREVRANGE = scores('-', '+'), scores('+', '-')

        return {
            command = function(node, call)
                local judge = call.name and judges[call.name]
                if judge then
                    judge(node, call)
                end
            end,
        }
    end,
}
