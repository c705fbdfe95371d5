local order = {['<'] = true, ['>'] = true, ['<='] = true, ['>='] = true}

return {
    severity = 'warning',
    summary = 'two strings are put in order, where numbers may be meant',
    why = [[Two strings are compared byte by byte: "10" < "9" is true. What is in ARGV, and what GET, HGET and ZSCORE answer, are
strings, also when they are digits.]],
    bad = [[local best = redis.call('GET', KEYS[1])
if not best or ARGV[1] > best then
    redis.call('SET', KEYS[1], ARGV[1])
end]],
    good = [[local best = redis.call('GET', KEYS[1])
if not best or tonumber(ARGV[1]) > tonumber(best) then
    redis.call('SET', KEYS[1], ARGV[1])
end]],
    check = function(lint)
        -- Whoever asks how long a string is compares digits by their length first, as is right for what is beyond 2^53.
        local measured, chunk

        local function is_measured(node)
            if not measured then
                measured = {}
                lint.walk(chunk, 'unary', function(child)
                    if child.op == '#' then
                        measured[lint.text(child.operand)] = true
                    end
                end)
            end
            return measured[lint.text(node)]
        end

        -- Text as it came in, not made of something.
        local function came(node)
            return lint.may(node, 'string') and lint.always(node, 'string', 'nil', 'false')
                and lint.from(node, 'argument', 'reply') and not lint.from(node, 'computed')
                and not is_measured(node)
        end

        local function digits(node)
            local value = lint.constant(node)
            return type(value) == 'string' and tonumber(value) ~= nil
        end

        return {
            chunk = function(node)
                chunk = node
            end,
            binary = function(node)
                if not order[node.op] then
                    return
                end
                local left, right = came(node.left), came(node.right)
                if left and right or left and digits(node.right) or right and digits(node.left) then
                    lint.report(node, string.format('%s and %s are strings, compared byte by byte ("10" < "9"): write '
                        .. 'tonumber(…) of both if they are numbers', lint.quote(node.left), lint.quote(node.right)))
                end
            end,
        }
    end,
}
