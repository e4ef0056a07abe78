"""What is done in Redis in one step: the scripts that it runs."""

from hashlib import sha1
from typing import Final, final

__all__ = [
    "BEAT",
    "BURY",
    "ENTER",
    "HEADS",
    "KILL",
    "LEAVE",
    "PUBLISH",
    "READ",
    "SCRIPTS",
    "Script",
]


_PUBLISH: Final = "'PUBLISH'"


@final
class Script:
    """A script, and what Redis calls it once it knows it.

    Attributes:
        text: The script, in Lua.
        sha: Its name.
        sharded: The same for a cluster, where a channel is in a slot, as keys are.
    """

    __slots__ = ("sha", "sharded", "text")

    def __init__(self, text: str) -> None:
        self.text: bytes = text.encode()
        is_loud = _PUBLISH in text
        self.sharded: Script = Script(text.replace(_PUBLISH, "'SPUBLISH'")) if is_loud else self
        # Redis names scripts so; it keeps nothing secret.
        self.sha: bytes = sha1(self.text, usedforsecurity=False).hexdigest().encode()


_NOW: Final = """
local function microseconds()
  local now = redis.call('TIME')
  return now[1] * 1000000 + now[2]
end
"""
"""Numbers begin with it. They are below 2^53, so that Lua counts them exactly, until 2255."""

_SAY: Final = (
    _NOW
    + """
local function say(counter, stream, channel, data, ttl, length, keep)
  local number = redis.call('INCR', counter)
  if number == 1 then
    number = microseconds()
    redis.call('SET', counter, string.format('%.0f', number), 'PX', ttl)
  end
  local id = string.format('%.0f', number)
  if length ~= '0' then
    local added = redis.pcall('XADD', stream, 'MAXLEN', '~', length, id .. '-0', 'm', data)
    if type(added) == 'table' and added.err then
      redis.call('DEL', stream)
      redis.call('XADD', stream, id .. '-0', 'm', data)
    end
    redis.call('PEXPIRE', stream, keep)
    if tonumber(keep) > tonumber(ttl) then ttl = keep end
    redis.call('PEXPIRE', counter, ttl)
  end
  redis.call('PUBLISH', channel, id .. '|' .. data)
  return id
end
"""
)
"""Number, keep and publish a message. What is kept under a later number is of a clock, or of a
server, that was ahead: it is no part of what is said now, and is given up."""

PUBLISH: Final = Script(
    _SAY
    + """
return say(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5])
"""
)
"""KEYS: counter, stream. ARGV: channel, data, ttl, length, keep. Returns the number.

Times are in milliseconds; a `length` of 0 keeps nothing.
"""

HEADS: Final = Script(
    _NOW
    + """
local heads = {}
for place, counter in ipairs(KEYS) do
  local head = redis.call('GET', counter)
  if not head then
    head = string.format('%.0f', microseconds())
    redis.call('SET', counter, head, 'PX', ARGV[1])
  elseif redis.call('PTTL', counter) < tonumber(ARGV[1]) then
    redis.call('PEXPIRE', counter, ARGV[1])
  end
  heads[place] = head
end
return heads
"""
)
"""KEYS: counters. ARGV: ttl. Returns the number that each is at, and lets it live on."""

READ: Final = Script(
    """
local head = redis.call('GET', KEYS[1])
if not head then return false end
local after = '-'
if ARGV[1] ~= '' then
  if tonumber(ARGV[1]) > tonumber(head) then return false end
  if tonumber(ARGV[1]) == tonumber(head) then return {head, {}} end
  after = '(' .. ARGV[1] .. '-0'
end
return {head, redis.call('XRANGE', KEYS[2], after, '+')}
"""
)
"""KEYS: counter, stream. ARGV: a number, or nothing. Returns the last number, and what is after."""

_LEAVE: Final = (
    _SAY
    + """
local function leave(user, channel, ttl)
  if redis.call('HINCRBY', KEYS[3], user, -1) > 0 then return end
  redis.call('HDEL', KEYS[3], user)
  redis.call('ZREM', KEYS[2], user)
  local left = redis.call('HGET', KEYS[4], user)
  redis.call('HDEL', KEYS[4], user)
  if not left then return end
  local first = string.find(left, ':', 1, true)
  local second = string.find(left, ':', first + 1, true)
  if second < #left then
    say(KEYS[5], KEYS[6], channel, string.sub(left, second + 1), ttl,
      string.sub(left, 1, first - 1), string.sub(left, first + 1, second - 1))
  end
end
"""
)
"""A connection of a user is gone. The last one says what was stored with the first."""

ENTER: Final = Script(
    _SAY
    + """
local alive = redis.call('ZSCORE', KEYS[7], ARGV[1])
if not alive or tonumber(alive) < 0 then return -2 end
if redis.call('HEXISTS', KEYS[1], ARGV[2]) == 1 then return 0 end
local is_new = not redis.call('ZSCORE', KEYS[2], ARGV[3])
if is_new and ARGV[6] ~= '' and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[6]) then return -1 end
redis.call('SADD', KEYS[8], ARGV[11])
redis.call('HSET', KEYS[1], ARGV[2], ARGV[3])
redis.call('HINCRBY', KEYS[3], ARGV[3], 1)
if not is_new then return 0 end
local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
redis.call('ZADD', KEYS[2], (tonumber(last[2]) or 0) + 1, ARGV[3])
redis.call('HSET', KEYS[4], ARGV[3], ARGV[9] .. ':' .. ARGV[10] .. ':' .. ARGV[5])
if ARGV[4] ~= '' then
  say(KEYS[5], KEYS[6], ARGV[7], ARGV[4], ARGV[8], ARGV[9], ARGV[10])
end
return 1
"""
)
"""KEYS: entries, users, counts, lefts, counter, stream, nodes, places.
ARGV: node, connection, user, joined, left, most, channel, ttl, length, keep, name of the group.

Returns 1 for the first of a user, 0 for another, -1 if the group is full, -2 for a dead node.
"""

LEAVE: Final = Script(
    _LEAVE
    + """
local user = redis.call('HGET', KEYS[1], ARGV[1])
if user then
  redis.call('HDEL', KEYS[1], ARGV[1])
  leave(user, ARGV[2], ARGV[3])
end
return redis.status_reply('OK')
"""
)
"""KEYS: entries, users, counts, lefts, counter, stream. ARGV: connection, channel, ttl."""

BURY: Final = Script(
    _LEAVE
    + """
local some = redis.call('HSCAN', KEYS[1], 0, 'COUNT', 256)[2]
for place = 1, #some, 2 do
  redis.call('HDEL', KEYS[1], some[place])
  leave(some[place + 1], ARGV[1], ARGV[2])
end
if redis.call('EXISTS', KEYS[1]) == 1 then return 1 end
redis.call('SREM', KEYS[7], ARGV[3])
return 0
"""
)
"""KEYS: entries, users, counts, lefts, counter, stream, places. ARGV: channel, ttl, name.

Returns whether more of the dead node's connections are in the group.
"""

BEAT: Final = Script(
    """
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local before_now = '(' .. string.format('%.0f', now)
local alive = redis.call('ZSCORE', KEYS[1], ARGV[1])
if ARGV[3] == '0' and (not alive or tonumber(alive) < 0) then return false end
redis.call('ZADD', KEYS[1], string.format('%.0f', now + ARGV[2]), ARGV[1])
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', before_now, 'LIMIT', 0, 16)
"""
)
"""KEYS: nodes. ARGV: node, ttl, 1 if it is new. Returns some of those that are dead.

It returns nothing if the node itself was taken for dead, or Redis was emptied.
"""

KILL: Final = Script(
    """
local alive = redis.call('ZSCORE', KEYS[1], ARGV[1])
if alive and ARGV[2] == '0' then
  local now = redis.call('TIME')
  if tonumber(alive) >= now[1] * 1000 + math.floor(now[2] / 1000) then return false end
end
local names = redis.call('SRANDMEMBER', KEYS[2], 256)
if #names == 0 then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], -1, ARGV[1])
end
return names
"""
)
"""KEYS: nodes, places. ARGV: node, 1 if it is dead for certain. Returns groups to bury it in.

Dead, it enters no group any more; it is forgotten once it is in none. Returns nothing if it lives.
"""

SCRIPTS: Final = (PUBLISH, HEADS, READ, ENTER, LEAVE, BURY, BEAT, KILL)
