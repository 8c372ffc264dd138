"""What Redis runs to count uses: each script decides and writes in one step (the twin of memory.py)."""

from hashlib import sha1

from accounts.limits.domain import SLICE_MS, SLICES

# KEYS: the minute's uses, the month's money (without a budget neither its key nor its figures are sent). A field of the
# first is `r` or `t` and the slice's number; the second has `spent`, `epoch` and, for each minute in which held amounts
# fall back, `h` and the minute's number.
_TAKE = """
local now, current = tonumber(ARGV[1]), math.floor(tonumber(ARGV[1]) / SLICE_MS)
local requests, request_limit = tonumber(ARGV[2]), tonumber(ARGV[3])
local tokens, token_limit = tonumber(ARGV[4]), tonumber(ARGV[5])
local money, budget = tonumber(ARGV[6] or 0), tonumber(ARGV[7] or -1)
local asked, asked_slice, used, used_slice, stale = 0, -1, 0, -1, nil
local stored = redis.call('HGETALL', KEYS[1])
for i = 1, #stored, 2 do
  local field, count = stored[i], tonumber(stored[i + 1])
  local slice = tonumber(field:sub(2))
  if slice <= current - SLICES then
    stale = stale or {}
    stale[#stale + 1] = field
  elseif count > 0 then
    if field:byte() == 114 then
      asked, asked_slice = asked + count, math.max(asked_slice, slice)
    else
      used, used_slice = used + count, math.max(used_slice, slice)
    end
  end
end
if stale then redis.call('HDEL', KEYS[1], unpack(stale)) end

local spent, held, epoch, expired = false, 0, 0, 0
local function read_month()
  local minute, lost = math.floor(now / 60000), {}
  local month = redis.call('HGETALL', KEYS[2])
  for i = 1, #month, 2 do
    local name = month[i]
    if name == 'spent' then spent = tonumber(month[i + 1])
    elseif name == 'epoch' then epoch = tonumber(month[i + 1])
    elseif tonumber(name:sub(2)) <= minute then lost[#lost + 1] = name
    else held = held + tonumber(month[i + 1]) end
  end
  if #lost > 0 then
    redis.call('HDEL', KEYS[2], unpack(lost))
    expired = 1
  end
  if not spent then return end
  local floor, owed = tonumber(ARGV[8]), tonumber(ARGV[9])
  local is_owed = ARGV[11] == '0' or tonumber(ARGV[11]) == epoch
  if owed > 0 and is_owed then spent = redis.call('HINCRBY', KEYS[2], 'spent', ARGV[9]) end
  if spent < floor then
    redis.call('HSET', KEYS[2], 'spent', ARGV[8])
    spent = floor
  end
end

local function wait(name, left, wanted, limit)
  local counts = {}
  for i = 1, #stored, 2 do counts[stored[i]] = tonumber(stored[i + 1]) end
  for slice = current - SLICES + 1, current do
    left = left - (counts[name .. string.format('%d', slice)] or 0)
    if left + wanted <= limit then return (slice + SLICES) * SLICE_MS - now end
  end
  return -1
end

local function count(name, uses)
  redis.call('HINCRBY', KEYS[1], name .. string.format('%d', current), uses)
end

local verdict, pause = 0, -1
if budget >= 0 then read_month() end
if request_limit >= 0 and asked + requests > request_limit then
  verdict, pause = 1, wait('r', asked, requests, request_limit)
elseif token_limit >= 0 and used + tokens > token_limit then
  verdict, pause = 2, wait('t', used, tokens, token_limit)
elseif budget >= 0 then
  if not spent then verdict = 4
  elseif spent + held + money > budget then verdict = 3 end
end
if verdict == 0 then
  local is_new = false
  if requests > 0 then
    count('r', requests)
    is_new = asked_slice < current
    asked, asked_slice = asked + requests, current
  end
  if tokens > 0 then
    count('t', tokens)
    is_new = is_new or used_slice < current
    used, used_slice = used + tokens, current
  end
  -- once for each slice: the minute that is added is longer than a slice
  if is_new then redis.call('EXPIRE', KEYS[1], SLICES * SLICE_MS / 1000 + 60) end
  if budget >= 0 and money > 0 then
    redis.call('HINCRBY', KEYS[2], 'h' .. ARGV[10], ARGV[6])
    held = held + money
  end
end
return {verdict, pause, asked, asked_slice, used, used_slice, spent or 0, held, epoch, expired}
"""

_SETTLE = """
local slice, minute = 't' .. ARGV[1], 'h' .. ARGV[3]
if ARGV[2] ~= '0' and redis.call('HEXISTS', KEYS[1], slice) == 1 then
  if redis.call('HINCRBY', KEYS[1], slice, ARGV[2]) < 0 then redis.call('HSET', KEYS[1], slice, 0) end
end
if redis.call('HEXISTS', KEYS[2], 'spent') == 0 then return 0 end
if ARGV[5] ~= '0' then redis.call('HINCRBY', KEYS[2], 'spent', ARGV[5]) end
if redis.call('HGET', KEYS[2], 'epoch') == ARGV[6] and redis.call('HEXISTS', KEYS[2], minute) == 1 then
  if redis.call('HINCRBY', KEYS[2], minute, '-' .. ARGV[4]) <= 0 then redis.call('HDEL', KEYS[2], minute) end
end
return 1
"""

_RAISE = """
local spent = redis.call('HGET', KEYS[1], 'spent')
if not spent then
  redis.call('HSET', KEYS[1], 'spent', ARGV[1], 'epoch', ARGV[2])
  redis.call('EXPIREAT', KEYS[1], ARGV[3])
elseif tonumber(ARGV[1]) > tonumber(spent) then
  redis.call('HSET', KEYS[1], 'spent', ARGV[1])
end
return 1
"""


class Script:
    """How a script is called, packed: by its text, and by the name that Redis knows it by once it has seen it."""

    def __init__(self, text: str) -> None:
        source = text.replace("SLICES", str(SLICES)).replace("SLICE_MS", str(SLICE_MS)).encode()
        name = sha1(source, usedforsecurity=False).hexdigest().encode()
        self.by_name = b"$7\r\nEVALSHA\r\n$%d\r\n%b\r\n" % (len(name), name)
        self.by_text = b"$4\r\nEVAL\r\n$%d\r\n%b\r\n" % (len(source), source)


TAKE, SETTLE, RAISE = Script(_TAKE), Script(_SETTLE), Script(_RAISE)
