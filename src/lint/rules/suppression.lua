return {
    severity = 'error',
    summary = 'a comment that should allow something, and is not understood or gives no reason',
    why = [[Such a comment allows nothing: what it was written for is told, and whoever reads the script is not told why it is
all right. Write

    -- vouch-lint: allow RULE: reason         behind code, for its line; or alone, for the statement that begins below
    -- vouch-lint: allow-file RULE: reason    for the whole source

Several rules are apart by commas. Of a statement with others in it, such as `if` or a function, a comment above allows
what stands before the first of these.]],
    bad = [[-- vouch-lint: allow key-computed
return 1]],
    good = [[-- the key is made of a name that is in the same slot
return 1]],
    -- Told by what reads the comments.
    check = function()
        return {}
    end,
}
