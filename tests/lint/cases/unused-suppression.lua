--- bad at=1 only
-- vouch-lint: allow operator-53: the division is done by the client now
return redis.call('GET', KEYS[1])
--- bad at=2 only
local n = 7
return n / 2 >= 3 and 1 or 0 -- vouch-lint: allow operator-53: a newer Lua runs it
--- bad at=1 only
-- vouch-lint: allow-file key-computed: keys are of one slot
return redis.call('GET', KEYS[1])
--- bad at=1
-- vouch-lint: allow global-write: stands one statement too high
local n = 1
count = n
return n
--- bad at=3
local n = 7
n = n / 7
-- vouch-lint: allow operator-53: behind what it should allow
--- bad
-- vouch-lint: allow key-literal: one of two is of no use
-- vouch-lint: allow key-literal: one of two is of no use
return redis.call('GET', KEYS[1])
--- good clean
-- vouch-lint: allow global-write: what the server says of it is what is tested
count = 1
--- good clean
count = 1 -- vouch-lint: allow global-write: what the server says of it is what is tested
--- good clean
-- vouch-lint: allow-file global-write: what the server says of it is what is tested
local n = 1
count = n
total = n
--- good clean
return redis.call('GET', KEYS[1])
--- good
-- vouch-lint: allow global-write: of a source that does not compile nothing is known
return (
--- good clean
local n = 1
-- vouch-lint: allow global-write: what the server says of it is what is tested
count = n
return n
