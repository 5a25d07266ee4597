import { createHash } from 'node:crypto';

/** A step that the server carries out as one, written in Lua. */
export interface Script {
  readonly text: string;
  /** By this the server knows a script that it was given before. */
  readonly sha: string;
}

/*
 * The only key is the hash that a store is. Its fields:
 *
 *   format             1
 *   sequence           how many records were ever added: it orders them
 *   record:<digest>    "<sequence> <writers> <JSON>", a record by the digest of its id; the writers
 *                      are the last saves that wrote it, newest first
 *   key:<digest>       the digests of the ids, 64 characters each, of the records with that key
 *
 * What JSON holds is never looked into here: Lua's cjson would not give it back as it was.
 */
const PRELUDE = `
local store = KEYS[1]

local function isForeign(format)
  return format ~= '1' and redis.call('EXISTS', store) == 1
end

local function refused()
  return redis.error_reply('FORMAT this key is no token store of this version')
end

-- Each field in ARGV, and then the records that they lead to, each after its name.
local function look(first, last)
  local values = redis.call('HMGET', store, 'format', unpack(ARGV, first, last))
  if isForeign(table.remove(values, 1)) then
    return refused()
  end
  for i = first, last do
    local holders = values[i - first + 1]
    if holders and ARGV[i]:sub(1, 4) == 'key:' then
      for at = 1, #holders, 64 do
        local record = 'record:' .. holders:sub(at, at + 63)
        values[#values + 1] = record
        values[#values + 1] = redis.call('HGET', store, record)
      end
    end
  end
  return values
end
`;

/** Gives the fields in ARGV, and each record that they lead to. */
export const LOOK: Script = script(`return look(1, #ARGV)`);

/**
 * Puts one record, if any, in the place of others, if everything that was seen is still so.
 *
 * Gives the head of the record as it is now (`''` if this save had written it already), or, where
 * something changed, what there is to see instead, and nothing was written.
 *
 * ARGV: writer, JSON, digest of the id (`''`: only remove); how many were asked for, seen, left and
 * joined; the record's field, the fields that were seen (first those asked for), keys that records
 * leave, keys that the record joins; the states seen, the digests of those that leave; at last the
 * records to remove.
 */
export const WRITE: Script = script(`
local writer, json, digest = ARGV[1], ARGV[2], ARGV[3]
local asked, seen, left, joined = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local record, firstSeen = ARGV[8], 9
local firstLeft = firstSeen + seen
local firstJoined = firstLeft + left
local firstState = firstJoined + joined
local firstLeaver = firstState + seen
local firstRemoved = firstLeaver + left

local values = redis.call('HMGET', store, 'format', unpack(ARGV, 8, firstState - 1))
local format = values[1]
if isForeign(format) then
  return refused()
end
local now = {}
for i = 8, firstState - 1 do
  now[ARGV[i]] = values[i - 6] or ''
end

-- A client that lost the connection sends again what may have been done.
local sequence, writers = now[record]:match('^(%d+) (%S+) ')
if writers and writers:find(writer, 1, true) then
  return ''
end

-- A record is told by its head, which no two saves write alike; anything else by the whole.
for i = 0, seen - 1 do
  local value = now[ARGV[firstSeen + i]]
  if (value:match('^%d+ %S+ ') or value) ~= ARGV[firstState + i] then
    return look(firstSeen, firstSeen + asked - 1)
  end
end

local changed = {}
for i = 0, left - 1 do
  local key = ARGV[firstLeft + i]
  now[key] = now[key]:gsub(ARGV[firstLeaver + i], '')
  changed[key] = true
end
for i = firstJoined, firstState - 1 do
  now[ARGV[i]] = now[ARGV[i]] .. digest
  changed[ARGV[i]] = true
end
local set, removed = {}, { unpack(ARGV, firstRemoved) }
for key in pairs(changed) do
  if now[key] == '' then
    removed[#removed + 1] = key
  else
    set[#set + 1] = key
    set[#set + 1] = now[key]
  end
end

-- What may be refused where memory is short comes first: then nothing has been done yet.
local head = ''
if digest ~= '' then
  sequence = sequence or redis.call('HINCRBY', store, 'sequence', 1)
  writers = writer .. (writers and (',' .. writers:sub(1, 3 * #writer + 2)) or '')
  head = sequence .. ' ' .. writers .. ' '
  redis.call('HSET', store, 'format', '1', record, head .. json, unpack(set))
elseif #set > 0 then
  redis.call('HSET', store, unpack(set))
end
if #removed > 0 then
  redis.call('HDEL', store, unpack(removed))
end
return head
`);

/** Gives every record, each after its name. */
export const ALL: Script = script(`
if isForeign(redis.call('HGET', store, 'format')) then
  return refused()
end
local fields = redis.call('HGETALL', store)
local records = {}
for i = 1, #fields, 2 do
  if fields[i]:sub(1, 7) == 'record:' then
    records[#records + 1] = fields[i]
    records[#records + 1] = fields[i + 1]
  end
end
return records
`);

/** Removes the store, in one step however large: the memory is freed in the background. */
export const CLEAR: Script = script(`
if isForeign(redis.call('HGET', store, 'format')) then
  return refused()
end
return redis.call('UNLINK', store)
`);

/**
 * Gives what the server does when its memory is full, `''` if it does not tell.
 *
 * To remove what is not there shows whether that is allowed: else a save would be refused halfway.
 */
export const CHECK: Script = script(`
if isForeign(redis.call('HGET', store, 'format')) then
  return refused()
end
local denied = redis.pcall('HDEL', store, '')
if type(denied) == 'table' and denied.err and denied.err:find('permission') then
  return denied
end
local info = redis.pcall('INFO', 'memory')
return type(info) == 'string' and info:match('maxmemory_policy:([%w-]+)') or ''
`);

function script(body: string): Script {
  const text = PRELUDE + body;
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
