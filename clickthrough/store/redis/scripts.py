"""What the server does at once: each script runs alone, and takes effect whole or not at all."""

TAKE = """
-- KEYS: lease, version. ARGV: token, milliseconds.
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  return {1, redis.call('GET', KEYS[2])}
end
return {0, redis.call('PTTL', KEYS[1])}
"""
"""Takes the lease of those who write, and says which version of the store they change."""

GIVE_BACK = """
-- KEYS: lease. ARGV: token.
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""
"""Gives the lease back, unless somebody else has it by now."""

COMMIT = """
-- KEYS: version, lease, states. ARGV: known version, token, then milliseconds and value of each.
local same = (redis.call('GET', KEYS[1]) or '') == ARGV[1]
-- before all else: where memory is full, the server refuses the first change, and no later one
if same then redis.call('SET', KEYS[1], ARGV[2]) end
if redis.call('GET', KEYS[2]) == ARGV[2] then redis.call('DEL', KEYS[2]) end
if not same then return 0 end
for i = 3, #KEYS do
  local life, value = ARGV[2 * i - 3], ARGV[2 * i - 2]
  if life == '0' then redis.call('SET', KEYS[i], value)
  else redis.call('SET', KEYS[i], value, 'PX', life) end
end
return 1
"""
"""Writes states, unless anything was written since the version that they were made of."""

HEADS = """
-- KEYS: states. ARGV: length of a head.
local found = {}
for i = 1, #KEYS do found[i] = redis.call('GETRANGE', KEYS[i], 0, ARGV[1] - 1) end
return found
"""
"""Reads what each value begins with."""

FORGET = """
-- KEYS: states. ARGV: the head of each.
local gone = 0
for i = 1, #KEYS do
  if redis.call('GETRANGE', KEYS[i], 0, #ARGV[i] - 1) == ARGV[i] then
    gone = gone + redis.call('DEL', KEYS[i])
  end
end
return gone
"""
"""Forgets states that are as they were when their heads were read."""
