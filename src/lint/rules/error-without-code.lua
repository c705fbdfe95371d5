return {
    severity = 'info',
    summary = 'an error that is returned has no code in front',
    why = [[Clients take the first word of an error for its code, and look at it: `WRONGTYPE …`, `NOAUTH …`, `ERR …`. A text with a space
in it is sent as it stands: redis.error_reply('My error') has the code "My". A text of one word gets "ERR " in front
from redis.error_reply, so that error_reply('NOTFOUND') has the code ERR; {err = 'NOTFOUND'} has not. What is raised
with error('…') always begins with ERR.]],
    bad = [[return redis.error_reply('no such job')]],
    good = [[return redis.error_reply('NOJOB there is no such job')]],
    check = function(lint)
        if not lint.source:find('err', 1, true) then
            return {}
        end

        -- The literal text in front; nil if it is not known.
        local function front(node)
            local value = lint.constant(node)
            if type(value) == 'string' then
                return value, true
            elseif node.kind == 'paren' then
                return front(node.inner)
            elseif node.kind == 'binary' and node.op == '..' then
                local text = front(node.left)
                return text, false
            elseif node.kind == 'call' and lint.builtin(node.callee) == 'string.format' and node.arguments[1] then
                local text = front(node.arguments[1])
                return text and text:match('^[^%%]*'), false
            end
        end

        local function look(node, replies)
            local text, whole = front(node)
            local word = text and text:match('^%-?(%S*)')
            if not text or not whole and not text:find('%s') then
                return
            elseif not word:find('^%u[%u%d_-]*$') then
                if not (replies and not text:find('%s')) then
                    lint.report(node, string.format("the error has no code: clients take '%s' for it; write 'ERR %s'", word,
                        #text > 40 and text:sub(1, (utf8.offset(text, 0, 38) or 38) - 1) .. '…' or text))
                end
            elseif replies and whole and not text:find('%s') then
                lint.report(node, string.format("a text of one word gets ERR in front, so that the code of this is not %s: "
                    .. "write '%s' and some words behind it, or {err = '%s'}", word, word, word))
            end
        end

        -- Tables that are answered or raised: {err = …}.
        local function look_table(node)
            local kind = node.kind
            local shape = (kind == 'table' or kind == 'name') and lint.shape(node)
            for _, field in ipairs(shape and shape.made.fields or {}) do
                if field.named and field.key.text == 'err' then
                    look(field.value, false)
                end
            end
        end

        return {
            ['return'] = function(node)
                if lint.answers(node) then
                    for _, value in ipairs(node.values) do
                        look_table(value)
                    end
                end
            end,
            call = function(node)
                local name, first = lint.builtin(node.callee), node.arguments[1]
                if name == 'redis.error_reply' and first then
                    look(first, true)
                elseif name == 'error' and first then
                    look_table(first)
                end
            end,
        }
    end,
}
