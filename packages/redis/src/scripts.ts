import { createHash } from 'node:crypto';
import { WRITERS } from './record-field.ts';

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

local function isForeign()
  return redis.call('HGET', store, 'format') ~= '1' and redis.call('EXISTS', store) == 1
end

local function refused()
  return redis.error_reply('FORMAT this key is no token store of this version')
end

-- Each field in ARGV, and then the records that they lead to, each after its name.
local function look(first, last)
  local values = redis.call('HMGET', store, unpack(ARGV, first, last))
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
export const LOOK: Script = script(`
if isForeign() then
  return refused()
end
return look(1, #ARGV)
`);

/**
 * The usual save, of a record that is as this process saw it last: for each change in ARGV, one after
 * the other, gives a record another value, if everything is as it was seen. Short, because a server
 * does nothing else meanwhile.
 *
 * Gives for each `now` (`''` if this command had written it already), or, where something changed,
 * what there is to see instead, and nothing was written.
 *
 * ARGV: of each change how many values it has, and these: digest of the record; its state as it was
 * seen; how many keys it loses, keeps (of those asked for) and gets, a digit each; those that it
 * loses; its field; those that it keeps; those that it gets; and then what is to be set: its field
 * and its value, and each key that it gets with its digest.
 */
export const REPLACE: Script = script(`
local function replace(at)
  local digest, state = ARGV[at], ARGV[at + 1]
  local lost, kept, got = ARGV[at + 2]:byte(1, 3)
  lost, kept, got = lost - 48, kept - 48, got - 48
  local first = at + 3
  local record = first + lost
  local last = record + kept + got
  local values = redis.call('HMGET', store, unpack(ARGV, first, last))
  local value = values[lost + 1]
  local isAsSeen = value and value:sub(1, #state) == state
  values[lost + 1] = digest
  for i = 1, lost + 1 + kept do
    isAsSeen = isAsSeen and values[i] == digest
  end
  for i = lost + kept + 2, lost + kept + 1 + got do
    isAsSeen = isAsSeen and not values[i]
  end
  if not isAsSeen then
    -- A client that lost the connection sends again what may have been done.
    local writer = ARGV[last + 2]:match('^%d+ ([^ ,]+)')
    if value and (value:match('^%d+ (%S+) ') or ''):find(writer, 1, true) then
      return ''
    end
    return look(record, last)
  end
  -- What may be refused where memory is short comes first: then nothing has been done yet.
  redis.call('HSET', store, unpack(ARGV, last + 1, last + 2 + 2 * got))
  if lost > 0 then
    redis.call('HDEL', store, unpack(ARGV, first, record - 1))
  end
  return 'now'
end

${forEachChange('replace')}
`);

/**
 * For each change in ARGV, one after the other: puts one record, if any, in the place of others, if
 * everything that was seen is still so.
 *
 * Gives for each the head of the record as it is now (`''` if this save had written it already), or,
 * where something changed, what there is to see instead, and nothing was written.
 *
 * ARGV: of each change how many values it has, and these: writer; JSON; how many fields were asked
 * for; how many there are; which of them is the record's (0: none, only remove); the fields, first
 * those asked for; what each must be (`*`: anything, `=`: a key of this record alone, `:...`: in this
 * state); at last what to do: `+n` makes field n a key of the record, `-n` no longer (or, with a
 * digest after it, no longer that record's), `xn` removes it. It is short, because what a server
 * takes in at once it flushes at once.
 */
export const WRITE: Script = script(`
local function write(first, last)
  local writer, json = ARGV[first], ARGV[first + 1]
  local asked, count, written = tonumber(ARGV[first + 2]), tonumber(ARGV[first + 3]), tonumber(ARGV[first + 4])
  -- Field n is ARGV[fields + n], and what it must be ARGV[states + n].
  local fields = first + 4
  local states = fields + count
  local values = redis.call('HMGET', store, unpack(ARGV, fields + 1, states))

  -- A client that lost the connection sends again what may have been done.
  local record = written > 0 and ARGV[fields + written]
  local digest = record and record:sub(8) or ''
  local sequence, writers
  if record and values[written] then
    sequence, writers = values[written]:match('^(%d+) (%S+) ')
    if writers and writers:find(writer, 1, true) then
      return ''
    end
  end

  -- A record is told by the save that wrote it last; anything else by the whole.
  for i = 1, count do
    local expected, value = ARGV[states + i], values[i] or ''
    if expected == '=' then
      expected = digest
    elseif expected ~= '*' then
      expected = expected:sub(2)
      value = value:match('^%d+ [^ ,]+') or value
    else
      expected = value
    end
    if value ~= expected then
      return look(fields + 1, fields + asked)
    end
  end

  local changed = {}
  for i = states + count + 1, last do
    local change, at, leaver = ARGV[i]:match('^(.)(%d+) ?(.*)$')
    at = tonumber(at)
    local value = values[at] or ''
    if change == '+' then
      value = value .. digest
    elseif change == '-' then
      value = value:gsub(leaver == '' and digest or leaver, '')
    else
      value = ''
    end
    values[at] = value
    changed[at] = true
  end
  local set, removed = {}, {}
  for at in pairs(changed) do
    if values[at] == '' then
      removed[#removed + 1] = ARGV[fields + at]
    else
      set[#set + 1] = ARGV[fields + at]
      set[#set + 1] = values[at]
    end
  end

  -- What may be refused where memory is short comes first: then nothing has been done yet.
  local head = ''
  if record then
    sequence = sequence or redis.call('HINCRBY', store, 'sequence', 1)
    writers = writer .. (writers and (',' .. writers:sub(1, ${WRITERS - 1} * (#writer + 1) - 1)) or '')
    head = sequence .. ' ' .. writers .. ' '
    redis.call('HSET', store, 'format', '1', record, head .. json, unpack(set))
  elseif #set > 0 then
    redis.call('HSET', store, unpack(set))
  end
  if #removed > 0 then
    redis.call('HDEL', store, unpack(removed))
  end
  return head
end

${forEachChange('write')}
`);

/** Gives every record, each after its name. */
export const ALL: Script = script(`
if isForeign() then
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
if isForeign() then
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
if isForeign() then
  return refused()
end
local denied = redis.pcall('HDEL', store, '')
if type(denied) == 'table' and denied.err and denied.err:find('permission') then
  return denied
end
local info = redis.pcall('INFO', 'memory')
return type(info) == 'string' and info:match('maxmemory_policy:([%w-]+)') or ''
`);

function forEachChange(name: string): string {
  return `if isForeign() then
  return refused()
end
local replies = {}
local at = 1
while at <= #ARGV do
  local last = at + tonumber(ARGV[at])
  replies[#replies + 1] = ${name}(at + 1, last)
  at = last + 1
end
return replies`;
}

function script(body: string): Script {
  const text = PRELUDE + body;
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
