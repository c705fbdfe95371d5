--- bad at=1:13 live="unexpected symbol near ';'" only
local n = 1;;
return n
--- bad at=1:1 live="unexpected symbol near ';'" only
;return 1
--- bad live="unexpected symbol near ';'" only
if KEYS[1] then ; end
return 1
--- bad live="unexpected symbol near ';'"
for i = 1, 2 do
    ;
end
return 1
--- bad live="unexpected symbol near ';'"
#!lua name=lines
redis.register_function('f', function(keys)
    ;
    return redis.call('INCR', keys[1])
end)
--- bad at=2:7 live="unexpected symbol near ';'"
do
    ; ;
end
return 1
--- good clean live="(integer) 1"
local n = 1;
return n;
--- good clean live="(integer) 2"
local n = 1; n = n + 1; return n
--- good live="\";;\""
return ';;'
--- good live="(integer) 1"
-- ;;
return 1
--- good clean live="(integer) 3"
local list = {1; 2; 3;}
return #list
--- good clean live="(integer) 1"
do end; return 1;
