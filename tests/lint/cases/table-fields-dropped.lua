--- bad at=1:8 says="`count` is not answered" live="(empty array)" only
return {count = 1}
--- bad at=1 says="'left'" live="1) (integer) 1"
return {1, left = 3}
--- bad at=3 live="(empty array)" only
local answer = {}
answer.count = redis.call('LLEN', KEYS[1])
return answer
--- bad at=8 says="`length`, `key` are" live="(empty array)"
local function look(key)
  local n = redis.call('LLEN', key)
  return {
    length = n,
    key = key,
  }
end
return look(KEYS[1])
--- bad at=1 live="1) 1) \"a\""
return {{'a', n = 1}, {'b', n = 2}}
--- bad kind=function at=3 live="(empty array)"
#!lua name=c
local function f(keys, args)
  return {state = args[2]}
end
redis.register_function('f', f)
--- good clean live="fine"
return {ok = 'fine'}
--- good clean live="1) \"count\" 2) (integer) 1"
return {'count', 1}
--- good clean live="{\"count\":1}"
return cjson.encode({count = 1})
--- good live="(error) NOPE no"
return {err = 'NOPE no'}
--- good clean live="1) \"a\" 2) (integer) 1"
return {map = {a = 1}}
--- good clean
local found = {count = 1, list = {}}
found.list[1] = 'a'
return found.list
--- good clean live="1) \"a\" 2) \"b\""
return {[1] = 'a', [2] = 'b'}
--- good clean
local state = {count = 0}
state.count = state.count + 1
return state.count
--- good clean live="fine"
local answer = {}
answer.ok = 'fine'
return answer
