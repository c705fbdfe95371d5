-- part/dead_letters.lua: refused as a whole where there can be no dead letters. Would XADD fail once something was claimed
-- or moved, its answer were lost with the error; and so again with each look.
do
  local kind = redis.call('TYPE', dead_letters).ok
  if kind ~= 'stream' and kind ~= 'none' then
    error('vouch: the dead letters ' .. dead_letters .. ' are a ' .. kind, 0)
  elseif not redis.acl_check_cmd('XADD', dead_letters, '*', 'vouch:id', '') then
    error('vouch: this user may not XADD the dead letters ' .. dead_letters, 0)
  end
end
