return {
    severity = 'warning',
    summary = 'a comment that allows what is not there',
    why = [[What it was written for is gone, or stands elsewhere by now; left where it is, it would hide the next one. Not told
where it cannot be known: in a source that does not compile, of a rule that is off, or after a rule failed.]],
    bad = [[-- vouch-lint: allow operator-53: the division is done by the client now
return redis.call('GET', KEYS[1])]],
    good = [[return redis.call('GET', KEYS[1])]],
    -- Told by what reads the comments.
    check = function()
        return {}
    end,
}
