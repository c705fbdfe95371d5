--- no-live: comments are nothing to a server; the findings they leave are shown by their own rules
--- bad at=1
-- vouch-lint: allow global-write
return 1
--- bad at=1 says="no-such-rule"
-- vouch-lint: allow no-such-rule: it was renamed
return 1
--- bad at=1
-- vouch-lint: allow global-write:
return 1
--- bad at=1
-- vouch-lint: ignore global-write: for the test
return 1
--- bad at=2
local n = 1
return n // 2 -- vouch-lint: allow operator-53
--- bad at=1
-- vouch-lint: allow: everything is fine
return 1
--- bad at=1
-- vouch-lint: allow-file operator-53
return 1
--- good clean
-- vouch-lint: allow-file operator-53: a newer Lua runs it
return 7 // 2
--- good clean
return 7 // 2 -- vouch-lint: allow operator-53: a newer Lua runs it
--- good clean
-- vouch-lint: allow operator-53, global-write: a newer Lua runs it
x = 7 // 2
--- good clean
-- the linter vouch-lint finds nothing here
return 1
--- good clean
return '-- vouch-lint: allow nothing'
--- good clean live="(integer) 1"
-- allow global-write: without the linter's name this is a comment like any other
return 1
