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
local format = redis.call('HGET', store, 'format')
if format ~= '1' and redis.call('EXISTS', store) == 1 then
  return redis.error_reply('FORMAT this key is no token store of this version')
end

-- An absent field reads as ''.
local function get(field)
  return redis.call('HGET', store, field) or ''
end

-- The fields asked for, then the records that they lead to, each after its name.
local function look(asked)
  local seen = {}
  for i, field in ipairs(asked) do
    seen[i] = get(field)
  end
  for i, field in ipairs(asked) do
    if field:sub(1, 4) == 'key:' then
      for digest in seen[i]:gmatch(('.'):rep(64)) do
        seen[#seen + 1] = 'record:' .. digest
        seen[#seen + 1] = get('record:' .. digest)
      end
    end
  end
  return seen
end
`;

/** Gives the fields in ARGV, and each record that they lead to. */
export const LOOK: Script = script(`return look(ARGV)`);

/**
 * Puts one record, if any, in the place of others, if everything that was seen is still so.
 *
 * Gives the head of the record as it is now (`''` if this save had written it already), or, where
 * something changed, what there is to see instead, and nothing was written.
 */
export const WRITE: Script = script(`
local at = 0
local function take()
  at = at + 1
  return ARGV[at]
end
local function takeList()
  local list = {}
  for i = 1, tonumber(take()) do
    list[i] = take()
  end
  return list
end

local writer, digest, json = take(), take(), take()
local asked, seen = takeList(), takeList()
local removed, left, joined = takeList(), takeList(), takeList()
local record = 'record:' .. digest

-- A client that lost the connection sends again what may have been done.
local sequence, writers = get(record):match('^(%d+) (%S+) ')
if writers and writers:find(writer, 1, true) then
  return ''
end

-- A record is told by its head, which no two saves write alike; anything else by the whole.
for i = 1, #seen, 2 do
  local value = get(seen[i])
  if (value:match('^%d+ %S+ ') or value) ~= seen[i + 1] then
    return look(asked)
  end
end

-- First of all one that is refused where memory is short: then nothing has been done yet.
if not format then
  redis.call('HSET', store, 'format', '1')
end
local head = ''
if digest ~= '' then
  sequence = sequence or redis.call('HINCRBY', store, 'sequence', 1)
  writers = writer .. (writers and (',' .. writers:sub(1, 3 * #writer + 2)) or '')
  head = sequence .. ' ' .. writers .. ' '
  redis.call('HSET', store, record, head .. json)
end
for _, field in ipairs(removed) do
  redis.call('HDEL', store, field)
end
for i = 1, #left, 2 do
  local holders = get(left[i]):gsub(left[i + 1], '')
  if holders == '' then
    redis.call('HDEL', store, left[i])
  else
    redis.call('HSET', store, left[i], holders)
  end
end
for _, field in ipairs(joined) do
  redis.call('HSET', store, field, get(field) .. digest)
end
return head
`);

/** Gives every record, each after its name. */
export const ALL: Script = script(`
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
export const CLEAR: Script = script(`return redis.call('UNLINK', store)`);

/**
 * Gives what the server does when its memory is full, `''` if it does not tell.
 *
 * To remove what is not there shows whether that is allowed: else a save would be refused halfway.
 */
export const CHECK: Script = script(`
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
