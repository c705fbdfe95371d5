return {
    severity = 'warning',
    summary = 'a number with more than 14 digits becomes text, and loses some',
    why = [[`..`, tostring, table.concat and cjson.encode write a number with 14 digits: microseconds since 1970 have 16, and
1700000000123456 becomes "1.7000000001235e+15". string.format('%.0f', n) writes all of them; so does the server with a
number that is an argument of redis.call, up to 2^53.]],
    bad = [[local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZADD', KEYS[1], now, ARGV[1] .. ':' .. now)]],
    good = [[local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
redis.call('ZADD', KEYS[1], now, ARGV[1] .. ':' .. string.format('%.0f', now))]],
    check = function(lint)
        if not lint.source:upper():find('TIME', 1, true) and not lint.source:find(('%d'):rep(15)) then
            return {}
        end
        local is_long
        local patience -- how many values are followed for one
        local known = {} -- by variable: whether it is long

        local function is_million(node)
            local value = lint.constant(node)
            return type(value) == 'number' and value >= 1000000
        end

        -- Seconds of TIME times a million, and what that is part of as a sum.
        local function one(node, depth)
            if node.kind == 'binary' and node.op == '*' then
                return is_million(node.left) and lint.from(node.right, 'time')
                    or is_million(node.right) and lint.from(node.left, 'time')
            elseif node.kind == 'binary' and (node.op == '+' or node.op == '-') then
                -- A difference of two points in time is short.
                return is_long(node.left, depth) and (node.op == '+' or type(lint.constant(node.right)) == 'number')
                    or node.op == '+' and is_long(node.right, depth)
            elseif node.kind == 'call' then
                local name = lint.builtin(node.callee)
                return (name == 'math.floor' or name == 'math.ceil') and node.arguments[1]
                    and is_long(node.arguments[1], depth)
            end
            local value = lint.constant(node)
            return type(value) == 'number' and math.abs(value) >= 1e14 and math.abs(value) < 2 ^ 63 and value % 1 == 0
                and string.format('%.14g', value) ~= string.format('%.0f', value)
        end

        function is_long(node, depth)
            if depth > 8 or node.kind == 'string' or not lint.always(node, 'number') then
                return false
            end
            patience = patience - 1
            local list, all = lint.sources(node)
            for _, source in ipairs(all and patience > 0 and list or {}) do
                if not one(source, depth + 1) then
                    return false
                end
            end
            return all and patience > 0 and #list > 0
        end

        local function tell(node, how)
            local variable = node.kind == 'name' and node.variable
            local long
            if variable then
                long = known[variable]
            end
            if long == nil then
                patience = 50
                long = is_long(node, 0)
                if variable then
                    known[variable] = long
                end
            end
            if long then
                lint.report(node, string.format("%s has more than 14 digits, and %s writes no more than that: write "
                    .. "string.format('%%.0f', …)", lint.quote(node), how))
            end
        end

        return {
            binary = function(node)
                if node.op == '..' then
                    tell(node.left, '`..`')
                    tell(node.right, '`..`')
                end
            end,
            call = function(node)
                local name = lint.builtin(node.callee)
                local first = node.arguments[1]
                if first and (name == 'tostring' or name == 'cjson.encode') then
                    tell(first, name)
                    local shape = name == 'cjson.encode' and lint.shape(first)
                    for _, field in ipairs(shape and shape.made.fields or {}) do
                        tell(field.value, name)
                    end
                elseif first and name == 'table.concat' and first.kind == 'table' then
                    for _, field in ipairs(first.fields) do
                        tell(field.value, name)
                    end
                end
            end,
        }
    end,
}
