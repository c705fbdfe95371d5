return {
    severity = 'warning',
    summary = 'a null in JSON is taken for nil',
    why = [[cjson.decode makes cjson.null of a null, which is neither nil nor false: `x == nil` is false, `if x` is true. A field that is
not there is nil; who writes JSON often writes null instead. And what is not JSON at all is an error, not nil:
cjson.decode never gives nil.]],
    bad = [[local job = cjson.decode(ARGV[1])
if job.owner ~= nil then
    redis.call('HSET', KEYS[1], 'owner', job.owner)
end]],
    good = [[local job = cjson.decode(ARGV[1])
if job.owner and job.owner ~= cjson.null then
    redis.call('HSET', KEYS[1], 'owner', job.owner)
end]],
    check = function(lint)
        if not lint.source:find('cjson', 1, true) then
            return {}
        end

        local function is_decoded(node)
            local list = lint.sources(node)
            return #list == 1 and not list.blank and not lint.may(node, 'nil', 'false') and list[1].kind == 'call' and lint.builtin(list[1].callee) == 'cjson.decode'
        end

        -- A field of what was decoded, or of a field of it.
        local function is_field(node, depth)
            if node.kind == 'index' and depth < 8 then
                return is_decoded(node.object) or is_field(node.object, depth + 1)
            elseif node.kind == 'name' and node.variable then
                local list, all = lint.sources(node)
                return all and #list == 1 and list[1].kind == 'index' and depth < 8 and is_field(list[1], depth + 1)
            end
            return false
        end

        -- `{}` behind an `or` of the whole: it is asked whether it is nothing.
        local function tell_whole(node)
            lint.report(node, lint.quote(node) .. ' is never nil or false here: cjson.decode raises an error when it is given no '
                .. 'JSON; write `local ok, value = pcall(cjson.decode, text)`')
        end

        local seen = {}

        local function condition(node)
            while node.kind == 'paren' or node.kind == 'unary' and node.op == 'not' do
                node = node.inner or node.operand
            end
            local kind = node.kind
            if kind == 'binary' and (node.op == 'and' or node.op == 'or') then
                condition(node.left)
                condition(node.right)
            elseif (kind == 'name' or kind == 'call') and is_decoded(node) and not seen[node] then
                seen[node] = true
                tell_whole(node)
            end
        end

        local fields = {}

        local function compare(node, value)
            if is_field(value, 0) then
                fields[#fields + 1] = {node = node, field = value}
            elseif is_decoded(value) then
                tell_whole(value)
            end
        end

        -- cjson.null is named somewhere: who wrote it knows.
        local function knows(chunk)
            local found = false
            if lint.source:find('null', 1, true) then
                lint.walk(chunk, 'index', function(node)
                    found = found or lint.builtin(node) == 'cjson.null'
                end)
            end
            return found
        end

        local function look(node)
            if node.kind == 'clause' then
                if node.condition then
                    condition(node.condition)
                end
            elseif node.op == '==' or node.op == '~=' then
                if node.right.kind == 'nil' then
                    compare(node, node.left)
                elseif node.left.kind == 'nil' then
                    compare(node, node.right)
                end
            end
        end

        local decodes, chunk = false, nil
        return {
            chunk = function(node)
                chunk = node
            end,
            call = function(node)
                decodes = decodes or lint.builtin(node.callee) == 'cjson.decode'
            end,
            finish = function()
                if decodes then
                    lint.walk(chunk, 'clause binary', look)
                end
                for _, each in ipairs(fields[1] and not knows(chunk) and fields or {}) do
                    lint.report(each.node, string.format('%s is cjson.null, not nil, when the JSON says null: compare it with '
                        .. 'cjson.null, too', lint.quote(each.field)))
                end
            end,
        }
    end,
}
