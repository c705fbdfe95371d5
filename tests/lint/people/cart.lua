#!lua name=cart
-- Shopping carts. A cart is a hash: sku -> pieces; prices are in another one, in cents.

local MAX_PIECES = 99
local CART_TTL = 7 * 24 * 3600

local function fail(code, text)
  return redis.error_reply(code .. ' ' .. text)
end

local function pieces_of(cart, sku)
  return tonumber(redis.call('HGET', cart, sku) or '0')
end

-- keys: cart, prices; args: sku, pieces
local function cart_add(keys, args)
  local cart, prices = keys[1], keys[2]
  local sku, n = args[1], tonumber(args[2])
  if not n or n < 1 then
    return fail('BADARG', 'pieces')
  end
  if redis.call('HEXISTS', prices, sku) == 0 then
    return fail('NOSKU', sku)
  end
  if pieces_of(cart, sku) + n > MAX_PIECES then
    return fail('TOOMANY', sku)
  end
  local have = redis.call('HINCRBY', cart, sku, n)
  redis.call('EXPIRE', cart, CART_TTL)
  return have
end

-- keys: cart; args: sku, pieces (all of them if absent)
local function cart_remove(keys, args)
  local cart, sku = keys[1], args[1]
  local n = tonumber(args[2])
  if not n or pieces_of(cart, sku) <= n then
    return redis.call('HDEL', cart, sku)
  end
  redis.call('HINCRBY', cart, sku, -n)
  return 1
end

-- keys: cart, prices; args: discount in percent
local function cart_total(keys, args)
  local content = redis.call('HGETALL', keys[1])
  local sum, count = 0, 0
  for i = 1, #content, 2 do
    local price = redis.call('HGET', keys[2], content[i])
    if price then
      sum = sum + price * content[i + 1]
      count = count + content[i + 1]
    end
  end
  local discount = tonumber(args[1] or 0)
  if discount > 0 then
    sum = sum * (100 - discount) / 100
  end
  redis.call('EXPIRE', keys[1], CART_TTL)
  return { sum, count }
end

-- keys: cart, other cart
local function cart_merge(keys)
  local from = redis.call('HGETALL', keys[2])
  for i = 1, #from, 2 do
    local n = math.min(pieces_of(keys[1], from[i]) + tonumber(from[i + 1]), MAX_PIECES)
    redis.call('HSET', keys[1], from[i], n)
  end
  redis.call('DEL', keys[2])
  redis.call('EXPIRE', keys[1], CART_TTL)
  return #from / 2
end

local function cart_get(keys)
  redis.setresp(3)
  return redis.call('HGETALL', keys[1])
end

redis.register_function('cart_add', cart_add)
redis.register_function('cart_remove', cart_remove)
redis.register_function('cart_merge', cart_merge)
redis.register_function{
  function_name = 'cart_total',
  callback = cart_total,
  flags = { 'no-writes' }
}
redis.register_function{
  function_name = 'cart_get',
  callback = cart_get,
  flags = { 'no-writes' }
}
