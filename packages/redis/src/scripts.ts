import { createHash } from 'node:crypto';

/** A step that the server carries out as one, written in Lua. */
export interface Script {
  readonly text: string;
  /** By this the server knows a script that it was given before. */
  readonly sha: string;
}

/*
 * A store is two keys. KEYS[2] is a sorted set: the digests of the ids of the records, in the order
 * in which they were first saved. KEYS[1] is a hash with these fields:
 *
 *   format           2, or `1to2` while a store of format 1 is migrated
 *   sequence         how many records were ever added
 *   highestVersion   of all records that there ever were
 *   deletedVersion   the highest version of a record that was deleted
 *   record:<digest>  "<write ids> <JSON>": a record, by the digest of its id
 *   key:<digest>     the digests of the ids, 64 characters each, of the records that have this key
 *
 * What JSON holds is never looked into here: Lua's cjson would not give it back as it was.
 */
const STORE = `
local store, order = KEYS[1], KEYS[2]

local function raise(field, version)
  if tonumber(redis.call('HGET', store, field) or 0) < tonumber(version) then
    redis.call('HSET', store, field, version)
  end
end
`;

const ONLY_OURS = `${STORE}
if redis.call('HGET', store, 'format') ~= '2' and redis.call('EXISTS', store) == 1 then
  return redis.error_reply('FORMAT this key is no token store of this version')
end
`;

/** Gives the fields in ARGV, and then each record that they lead to, after the digest of its id. */
export const LOOK: Script = script(`${ONLY_OURS}
local values = redis.call('HMGET', store, unpack(ARGV))
local found = {}
for i, field in ipairs(ARGV) do
  local holders = field:sub(1, 4) == 'key:' and values[i] or field:match('^record:(.*)') or ''
  for digest in holders:gmatch(('%x'):rep(64)) do
    local value = not found[digest] and redis.call('HGET', store, 'record:' .. digest)
    if value then
      found[digest] = true
      values[#values + 1] = digest
      values[#values + 1] = value
    end
  end
end
return values
`);

/**
 * Writes one record, if any, and removes others, if all that this was decided on is still so; gives
 * `done` or `stale`. ARGV: see change.ts.
 */
export const CHANGE: Script = script(`${ONLY_OURS}
local digest, value, version, deletedVersion = unpack(ARGV, 1, 4)
local at = 5
local function list()
  local items = { unpack(ARGV, at + 1, at + ARGV[at]) }
  at = at + 1 + #items
  return items
end
local unchanged, expected, set, joined, left, removed = list(), list(), list(), list(), list(), list()

-- Keys of a record that was damaged outlive it.
local function withoutDeleted(holders)
  return (holders:gsub(('%x'):rep(64), function(holder)
    return redis.call('HEXISTS', store, 'record:' .. holder) == 0 and '' or nil
  end))
end

for i = 1, #unchanged, 2 do
  local current, start = redis.call('HGET', store, unchanged[i]), unchanged[i + 1]
  if not current or current:sub(1, #start) ~= start then
    return 'stale'
  end
end
for i = 1, #expected, 2 do
  local current = redis.call('HGET', store, expected[i]) or ''
  if current ~= expected[i + 1] and withoutDeleted(current) ~= expected[i + 1] then
    return 'stale'
  end
end

-- What may be refused where memory is short comes first: then nothing has been done yet.
if value ~= '' then
  redis.call('HSET', store, 'format', '2', 'record:' .. digest, value, unpack(set))
  if not redis.call('ZSCORE', order, digest) then
    redis.call('ZADD', order, redis.call('HINCRBY', store, 'sequence', 1), digest)
  end
end
for _, key in ipairs(joined) do
  redis.call('HSET', store, key, withoutDeleted(redis.call('HGET', store, key) or '') .. digest)
end
for i = 1, #left, 2 do
  local rest = (redis.call('HGET', store, left[i]) or ''):gsub(left[i + 1], '')
  if rest == '' then
    redis.call('HDEL', store, left[i])
  else
    redis.call('HSET', store, left[i], rest)
  end
end
for _, gone in ipairs(removed) do
  redis.call('HDEL', store, 'record:' .. gone)
  redis.call('ZREM', order, gone)
end
raise('highestVersion', version)
raise('deletedVersion', deletedVersion)
return 'done'
`);

/**
 * Gives the place in the order of the last record of a page (`''`: there are no more), and then each
 * record after its digest.
 *
 * ARGV: from where on, as `ZRANGE ... BYSCORE` takes it.
 */
export const PAGE: Script = script(`${ONLY_OURS}
local found = redis.call('ZRANGE', order, ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, 500, 'WITHSCORES')
local page, size = { '' }, 0
for i = 1, #found, 2 do
  local value = redis.call('HGET', store, 'record:' .. found[i])
  page[1] = found[i + 1]
  if value then
    page[#page + 1] = found[i]
    page[#page + 1] = value
    size = size + #value
  end
  if size > 1000000 then
    break
  end
end
return page
`);

/**
 * Removes all records, however many: the memory is freed in the background. Without ARGV it gives
 * the server's time in milliseconds; with one, it gives `late` and does nothing after that time.
 */
export const CLEAR: Script = script(`${ONLY_OURS}
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if not ARGV[1] then
  return now
elseif now > tonumber(ARGV[1]) then
  return 'late'
end
local sequence, highest = unpack(redis.call('HMGET', store, 'sequence', 'highestVersion'))
redis.call('UNLINK', store, order)
if sequence then
  redis.call('HSET', store, 'format', '2', 'sequence', sequence)
  raise('highestVersion', highest)
  raise('deletedVersion', highest)
end
return 'done'
`);

/**
 * Gives the format, `''` where there is nothing, and what the server does when its memory is full.
 *
 * To remove what is not there shows whether that is allowed: else a save would be refused halfway.
 */
export const CHECK: Script = script(`${STORE}
local format = redis.call('HGET', store, 'format')
if not format and redis.call('EXISTS', store) == 1 then
  format = 'unknown'
end
for _, probe in ipairs({ { 'HDEL', store, '' }, { 'ZREM', order, '' }, { 'ZADD', order, 'XX', 0, '' } }) do
  local denied = redis.pcall(unpack(probe))
  if type(denied) == 'table' and denied.err and denied.err:find('permission') then
    return denied
  end
end
local info = redis.pcall('INFO', 'memory')
return { format or '', type(info) == 'string' and info:match('maxmemory_policy:([%w-]+)') or '' }
`);

/**
 * Migrates a part of a store of format 1, which has no order: as often as one likes, by any number of
 * processes. A process of the former version refuses the store from the first part on.
 *
 * ARGV: `more` or `last`; the highest version among the records; of each record its place in the
 * order (`''`: it can not be told), its digest and its value.
 */
export const MIGRATE: Script = script(`${STORE}
local format = redis.call('HGET', store, 'format')
if format ~= '1' and format ~= '1to2' then
  return
end
redis.call('HSET', store, 'format', ARGV[1] == 'last' and '2' or '1to2')
for i = 3, #ARGV, 3 do
  local place, digest, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
  if not redis.call('ZSCORE', order, digest) then
    redis.call('ZADD', order, place == '' and redis.call('HINCRBY', store, 'sequence', 1) or place, digest)
    redis.call('HSET', store, 'record:' .. digest, value)
  end
end
raise('highestVersion', ARGV[2])
`);

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
