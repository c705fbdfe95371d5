#!lua name=wallet

-- Accounts: hash {balance, currency, frozen}. Amounts in cents.

local function account(key)
  local r = redis.call('HMGET', key, 'balance', 'currency', 'frozen')
  if not r[1] then
    return nil
  end
  return { balance = tonumber(r[1]), currency = r[2], frozen = r[3] == '1' }
end

local function err(text)
  return { err = text }
end

-- keys: account; args: currency
local function open(keys, args)
  if redis.call('EXISTS', keys[1]) == 1 then
    return err('EXISTS account exists')
  end
  redis.call('HSET', keys[1], 'balance', 0, 'currency', args[1], 'frozen', '0')
  return redis.status_reply('OK')
end

-- keys: from, to, journal; args: amount, request id
local function transfer(keys, args)
  local amount = tonumber(args[1])
  if amount == nil or amount <= 0 or amount % 1 ~= 0 then
    return err('BADAMOUNT ' .. args[1])
  end
  if redis.call('HEXISTS', keys[3], args[2]) == 1 then
    return redis.call('HGET', keys[3], args[2])
  end
  local from, to = account(keys[1]), account(keys[2])
  if from == nil or to == nil then
    return err('NOACCOUNT no such account')
  end
  if from.frozen or to.frozen then
    return err('FROZEN account is frozen')
  end
  if from.currency ~= to.currency then
    return err('CURRENCY mismatch')
  end
  if from.balance < amount then
    return err('FUNDS insufficient')
  end
  redis.call('HINCRBY', keys[1], 'balance', -amount)
  local balance = redis.call('HINCRBY', keys[2], 'balance', amount)
  redis.call('HSET', keys[3], args[2], from.balance - amount .. ':' .. balance)
  return redis.call('HGET', keys[3], args[2])
end

-- keys: account; args: rate in percent per year, days
local function interest(keys, args)
  local a = account(keys[1])
  if not a then
    return err('NOACCOUNT no such account')
  end
  local amount = a.balance * tonumber(args[1]) / 100 * tonumber(args[2]) / 365
  redis.call('HINCRBY', keys[1], 'balance', math.floor(amount + 0.5))
  return amount
end

local function freeze(keys)
  redis.call('HSET', keys[1], 'frozen', true)
  return redis.status_reply('OK')
end

local function balance(keys)
  local a = account(KEYS[1])
  return a and a.balance
end

redis.register_function('wallet_open', open)
redis.register_function('wallet_transfer', transfer)
redis.register_function('wallet_interest', interest)
redis.register_function('wallet_freeze', freeze)
redis.register_function{function_name='wallet_balance', callback=balance, flags={'no-writes'}}
