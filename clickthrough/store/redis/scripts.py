"""What the server does at once: each script runs alone, and takes effect whole or not at all."""

TAKE = """
-- KEYS: lease, version. ARGV: token, milliseconds.
-- whoever asks again, for an answer was lost, has it already
if redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
  or redis.call('GET', KEYS[1]) == ARGV[1] then
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
-- KEYS: version, lease, states. ARGV: known version, token, value of each state, then in runs of
-- these how many, and their milliseconds, 0 for ever.
local same = (redis.call('GET', KEYS[1]) or '') == ARGV[1]
-- before all else: where memory is full, the server refuses the first change, and no later one
if same then redis.call('SET', KEYS[1], ARGV[2]) end
if redis.call('GET', KEYS[2]) == ARGV[2] then redis.call('DEL', KEYS[2]) end
if not same then return 0 end
for first = 3, #KEYS, 1000 do
  local pairs, n = {}, 0
  for i = first, math.min(first + 999, #KEYS) do
    pairs[n + 1], pairs[n + 2] = KEYS[i], ARGV[i]
    n = n + 2
  end
  redis.call('MSET', unpack(pairs))
end
local i = 3
for run = #KEYS + 1, #ARGV, 2 do
  local count, life = tonumber(ARGV[run]), ARGV[run + 1]
  if life ~= '0' then
    for j = i, i + count - 1 do redis.call('PEXPIRE', KEYS[j], life) end
  end
  i = i + count
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
