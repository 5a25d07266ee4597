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
 *   deletedVersion   what highestVersion was when a record was deleted last
 *   record:<digest>  "<write ids> <JSON>": a record, by the digest of its id
 *   key:<digest>     the digests of the ids, 64 characters each, of the records that have this key
 *
 * JSON is never written by Lua: its cjson would not give it back as it was.
 */
const STORE = `
local store, order = KEYS[1], KEYS[2]
local DIGEST = ('%x'):rep(64)

local function raise(field, version)
  if tonumber(redis.call('HGET', store, field) or 0) < (tonumber(version) or 0) then
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
  local holders = field:match('^record:(.*)') or values[i] or ''
  for digest in holders:gmatch(DIGEST) do
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
 * `done` or `stale`. ARGV: a `Change` of the engine as JSON, and what stands for the record.
 */
export const CHANGE: Script = script(`${ONLY_OURS}
local change, value = cjson.decode(ARGV[1]), ARGV[2]

-- The records that a field leads to. A damaged one that was deleted is still named: its keys were not known.
local function holdersOf(field)
  local named = field:match('^record:(.*)') or redis.call('HGET', store, field) or ''
  return (named:gsub(DIGEST, function(digest)
    return redis.call('HEXISTS', store, 'record:' .. digest) == 0 and '' or nil
  end))
end

for digest, start in pairs(change.unchanged) do
  local current = redis.call('HGET', store, 'record:' .. digest)
  if not current or current:sub(1, #start) ~= start then
    return 'stale'
  end
end
for field, count in pairs(change.holders) do
  if #holdersOf(field) ~= 64 * count then
    return 'stale'
  end
end
if change.deletedVersion and change.deletedVersion ~= tonumber(redis.call('HGET', store, 'deletedVersion') or 0) then
  return 'stale'
end

-- What may be refused where memory is short comes first: then nothing has been done yet.
if value then
  redis.call('HSET', store, 'format', '2', 'record:' .. change.digest, value)
  raise('highestVersion', change.version)
  if not redis.call('ZSCORE', order, change.digest) then
    redis.call('ZADD', order, redis.call('HINCRBY', store, 'sequence', 1), change.digest)
  end
end
for _, digest in ipairs(change.removed) do
  redis.call('HDEL', store, 'record:' .. digest)
  redis.call('ZREM', order, digest)
  raise('deletedVersion', redis.call('HGET', store, 'highestVersion'))
end
for field, has in pairs(change.keys) do
  local holders = holdersOf(field):gsub(change.digest, '') .. (has and change.digest or '')
  if holders == '' then
    redis.call('HDEL', store, field)
  else
    redis.call('HSET', store, field, holders)
  end
end
return 'done'
`);

/**
 * Gives the place in the order of the last record of a page (`''`: there are no more), and then each
 * record after its digest. ARGV: from where on, as `ZRANGE ... BYSCORE` takes it.
 */
export const PAGE: Script = script(`${ONLY_OURS}
local found = redis.call('ZRANGE', order, ARGV[1], '+inf', 'BYSCORE', 'LIMIT', 0, 200, 'WITHSCORES')
local page, size = { '' }, 0
for i = 1, #found, 2 do
  local value = redis.call('HGET', store, 'record:' .. found[i])
  page[1] = found[i + 1]
  if value then
    page[#page + 1] = found[i]
    page[#page + 1] = value
    size = size + #value
  end
  if size > 256 * 1024 then
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
  return { string.format('%.0f', now) }
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
 * Refuses what is no store of ours, and migrates a part of a store of format 1, which has no order
 * and whose records begin with their place: by any number of processes, and as often as one likes. A
 * process of the former version refuses the store from the first part on.
 *
 * Gives where the next part begins (`0`: there is none), and what the server does when its memory is
 * full. ARGV: where this part begins.
 */
export const OPEN: Script = script(`${STORE}
-- What is refused in the middle of a save would leave half of it.
for _, command in ipairs({ { 'HDEL', store, '' }, { 'ZADD', order, 0, '' }, { 'ZREM', order, '' } }) do
  if not redis.acl_check_cmd(unpack(command)) then
    return redis.error_reply('NOPERM this user has no permission to run ' .. command[1])
  end
end
local format, cursor = redis.call('HGET', store, 'format'), '0'
if format == '1' or format == '1to2' then
  local part = redis.call('HSCAN', store, ARGV[1], 'COUNT', 500)
  cursor = part[1]
  for i = 1, #part[2], 2 do
    local digest, value = part[2][i]:match('^record:(.*)'), part[2][i + 1]
    if digest and not redis.call('ZSCORE', order, digest) then
      local place, rest = value:match('^(%d+) (%S+ .*)$')
      redis.call('ZADD', order, place or redis.call('HINCRBY', store, 'sequence', 1), digest)
      redis.call('HSET', store, 'record:' .. digest, rest or value)
      -- A damaged record stays as it is: it can be deleted.
      local isJson, record = pcall(cjson.decode, value:match('{.*'))
      raise('highestVersion', isJson and record.version)
    end
  end
  redis.call('HSET', store, 'format', cursor == '0' and '2' or '1to2')
elseif format ~= '2' and redis.call('EXISTS', store) == 1 then
  return redis.error_reply('FORMAT this key is no token store of this version')
end
local info = redis.pcall('INFO', 'memory')
return { cursor, type(info) == 'string' and info:match('maxmemory_policy:([%w-]+)') or '' }
`);

function script(text: string): Script {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
