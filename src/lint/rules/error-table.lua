return {
    severity = 'error',
    summary = 'a table without err is raised, which ends some servers',
    why = [[error may be given a table if it has `err`: that is the error that is answered. Without `err` Redis 7.0 to 8.0 and Valkey up
to 8.1 crash, the whole server and not the script alone; Valkey 9 answers "ERR unknown error". A table that is raised
and caught by the script's own pcall does no harm.]],
    bad = [[if #KEYS ~= 1 then
    error({code = 400, message = 'one key'})
end]],
    good = [[if #KEYS ~= 1 then
    error({err = 'ERR one key'})
end]],
    check = function(lint)
        if not lint.source:find('error', 1, true) then
            return {}
        end
        local caught = false -- somewhere: whether this one is caught is not known then

        local function has_err(shape)
            for _, field in ipairs(shape.made.fields) do
                if field.named and field.key.text == 'err' or field.key and not field.named then
                    return true
                end
            end
            return false
        end

        local found = {}
        return {
            call = function(node)
                local name, first = lint.builtin(node.callee), node.arguments[1]
                if name == 'pcall' or name == 'xpcall' then
                    caught = true
                elseif name == 'error' and first then
                    local shape = lint.shape(first)
                    if shape and shape.whole and lint.always(first, 'table') and not has_err(shape)
                        and (first.kind == 'table' or not shape.fields or shape.made.fields[1])
                    then
                        found[#found + 1] = first
                    end
                end
            end,
            finish = function()
                local ends = false
                for target in pairs(lint.targets) do
                    ends = ends or not target:find('^valkey%-9')
                end
                for _, node in ipairs(caught and {} or found) do
                    lint.report(node, string.format("%s has no `err`, and raising such a table %s: write {err = 'CODE what is wrong'}",
                        lint.quote(node), ends and 'ends the server (Redis, and Valkey before 9)'
                        or "answers 'ERR unknown error'"), ends and 'error' or 'warning')
                end
            end,
        }
    end,
}
