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
        local knows = false -- cjson.null is named somewhere

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

        local fields, seen = {}, {}

        local function condition(node)
            while node.kind == 'paren' or node.kind == 'unary' and node.op == 'not' do
                node = node.inner or node.operand
            end
            if node.kind == 'binary' and (node.op == 'and' or node.op == 'or') then
                condition(node.left)
                condition(node.right)
            elseif (node.kind == 'name' or node.kind == 'call') and is_decoded(node) and not seen[node.offset] then
                seen[node.offset] = true
                tell_whole(node)
            end
        end

        return {
            binary = function(node)
                if node.op ~= '==' and node.op ~= '~=' then
                    return
                end
                for _, pair in ipairs({{node.left, node.right}, {node.right, node.left}}) do
                    local value, constant = lint.constant(pair[2])
                    if constant and value == nil then
                        if is_field(pair[1], 0) then
                            fields[#fields + 1] = {node = node, field = pair[1]}
                        elseif is_decoded(pair[1]) then
                            tell_whole(pair[1])
                        end
                    end
                end
            end,
            clause = function(node)
                if node.condition then
                    condition(node.condition)
                end
            end,
            index = function(node)
                knows = knows or lint.builtin(node) == 'cjson.null'
            end,
            finish = function()
                for _, each in ipairs(knows and {} or fields) do
                    lint.report(each.node, string.format('%s is cjson.null, not nil, when the JSON says null: compare it with '
                        .. 'cjson.null, too', lint.quote(each.field)))
                end
            end,
        }
    end,
}
