return {
    severity = 'error',
    summary = 'a reply that is false when there is nothing is compared with nil',
    why = [[redis.call gives false, not nil, where a client gets nil: GET of a key that is not there is false, so `== nil` is never
true, and `~= nil` always. `not v` is right for both. (Behind redis.setresp(3) it is nil; then this rule is silent.)]],
    bad = [[local v = redis.call('GET', KEYS[1])
if v == nil then
    return 0
end
return v]],
    good = [[local v = redis.call('GET', KEYS[1])
if not v then
    return 0
end
return v]],
    check = function(lint)
        -- Elements of these are false as well.
        local lists = {MGET = true, HMGET = true}

        local function is_nil(node)
            local value, constant = lint.constant(node)
            return constant and value == nil
        end

        -- The command whose reply it is; nil: something else may be in it, or it can be nil.
        local function missing(node)
            local name, info = lint.reply(node)
            if name then
                return info and info.reply['false'] and not info.reply['nil'] and lint.may(node, 'false')
                    and not lint.may(node, 'nil') and lint.known(node) and name or nil
            elseif node.kind == 'index' and not node.named and math.type(lint.constant(node.key)) then
                name = lint.reply(node.object)
                return lists[name] and name or nil
            end
        end

        -- `v == nil or v == false`, `v and v ~= nil`: said twice, and right.
        local function is_said_twice(node, text)
            local top = node
            for parent in lint.parents(node) do
                if parent.kind ~= 'paren' and not (parent.kind == 'binary' and (parent.op == 'and' or parent.op == 'or')) then
                    break
                end
                top = parent
            end
            local found = false
            if top ~= node then
                lint.walk(top, function(child)
                    if child.kind == 'unary' and child.op == 'not' then
                        found = found or lint.text(child.operand) == text
                    elseif child.kind == 'binary' and (child.op == '==' or child.op == '~=') then
                        found = found or child.right.kind == 'false' and lint.text(child.left) == text
                            or child.left.kind == 'false' and lint.text(child.right) == text
                    elseif child.kind == 'binary' and (child.op == 'and' or child.op == 'or') then
                        found = found or lint.text(child.left) == text or lint.text(child.right) == text
                    end
                    return not found
                end)
            end
            return found
        end

        local function look(node, value, other)
            local of = value
            if other.kind ~= 'nil' and other.kind ~= 'name' and other.kind ~= 'string' then
                return
            elseif value.kind == 'call' and lint.builtin(value.callee) == 'type' and lint.constant(other) == 'nil' then
                of = value.arguments[1]
            elseif not is_nil(other) then
                return
            end
            local command = of and missing(of)
            if command and not lint.resp3(node) and not is_said_twice(node, lint.text(of)) then
                lint.report(node, string.format('%s is false, never nil, when %s finds nothing, so this is %s %s: write `%s%s`',
                    lint.quote(of), command, node.op == '==' and 'never' or 'always', 'true',
                    node.op == '==' and 'not ' or '', lint.quote(of):sub(2, -2)))
            end
        end

        return {
            binary = function(node)
                local op = node.op
                if op == '==' or op == '~=' then
                    look(node, node.left, node.right)
                    look(node, node.right, node.left)
                end
            end,
        }
    end,
}
