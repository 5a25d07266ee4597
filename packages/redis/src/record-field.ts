import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt, type TokenKey } from '@tokenkeep/core/adapter';
import { keyDigest } from '@tokenkeep/core/adapter/server';

/** Fields of the hash by name, absent ones as `''`; see scripts.ts. */
export type Fields = ReadonlyMap<string, string>;

/**
 * The field to look up for a key: an id leads to its record at once.
 *
 * @param known a record whose fields need not be made again
 */
export function fieldOf(key: TokenKey, known?: SeenRecord): string {
  if (known !== undefined && known.record[key.field] === key.value) {
    const field = key.field === 'id' ? known.field : known.keyFields[key.field];
    if (field !== undefined) return field;
  }
  return `${key.field === 'id' ? 'record' : 'key'}:${keyDigest(key)}`;
}

/** Whether it holds a record, and not the digests of some. */
export function isRecordField(field: string): boolean {
  return field.startsWith('record:');
}

/** The digest by which a record is known. */
export function digestOf(record: StoredRecord): string {
  return keyDigest({ field: 'id', value: record.id });
}

/** The field that holds the record with this digest. */
export function recordField(digest: string): string {
  return `record:${digest}`;
}

const KEYS = ['userName', 'grantToken', 'refreshToken', 'accessToken'] as const;

/** The fields of the hash by which a record can be found, but for its id. */
export type KeyFields = Readonly<Partial<Record<(typeof KEYS)[number], string>>>;

/** A record, and what is known of it in the hash. */
export interface SeenRecord {
  readonly record: StoredRecord;
  readonly digest: string;
  /** Where it stands in the hash, and the whole of what stands there. */
  readonly field: string;
  readonly value: string;
  readonly keyFields: KeyFields;
}

/** @param known gives the fields that need not be made again */
export function keyFieldsOf(
  record: StoredRecord,
  known?: (key: TokenKey) => string | undefined,
): KeyFields {
  const keyFields: Partial<Record<(typeof KEYS)[number], string>> = {};
  for (const field of KEYS) {
    const value = record[field];
    if (value == null) continue;
    const key: TokenKey = { field, value };
    keyFields[field] = known?.(key) ?? fieldOf(key);
  }
  return keyFields;
}

/** The values of all keys of a record. */
export function keyValuesOf(record: StoredRecord): string[] {
  const values = [record.id];
  for (const field of KEYS) {
    const value = record[field];
    if (value != null) values.push(value);
  }
  return values;
}

/** The digests of the ids of the records that have a key. */
function* holdersIn(value: string): Iterable<string> {
  for (let start = 0; start < value.length; start += 64) yield value.slice(start, start + 64);
}

/**
 * Of many fields those asked for, and the records that they lead to.
 *
 * @throws Error where one of these records is not among the fields
 */
export function ledTo(asked: readonly string[], all: Fields): Fields {
  const fields = new Map<string, string>();
  const take = (field: string): string => {
    const value = all.get(field);
    if (value === undefined) throw new Error('the reply lacks a field');
    fields.set(field, value);
    return value;
  };
  for (const field of asked) {
    const value = take(field);
    if (isRecordField(field)) continue;
    for (const digest of holdersIn(value)) take(recordField(digest));
  }
  return fields;
}

/** What tells one state of a field from every other: the save that wrote a record last, or the whole. */
export function stateOf(value: string): string {
  return /^\d+ [^ ,]+/.exec(value)?.[0] ?? value;
}

/** How many of the writes of a record, the newest ones, are told in it; see scripts.ts. */
export const WRITERS = 16;

/** What stands for a record after another save. All names of writers have the same length. */
export function valueAfter(value: string, writer: string, json: string): string {
  const start = value.indexOf(' ') + 1;
  const room = (WRITERS - 1) * (writer.length + 1) - 1;
  const older = value.slice(start, Math.min(value.indexOf(' ', start), start + room));
  return `${value.slice(0, start)}${writer},${older} ${json}`;
}

/** The records among fields. */
export function recordsIn(fields: Fields): SeenRecord[] {
  const records: SeenRecord[] = [];
  for (const [field, value] of fields) {
    if (value === '' || !isRecordField(field)) continue;
    records.push(seenRecord(field, value));
  }
  return records;
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
export function seenRecord(field: string, value: string): SeenRecord {
  const record = recordFrom(field, value);
  const digest = field.slice('record:'.length);
  return { record, digest, field, value, keyFields: keyFieldsOf(record) };
}

/** The place of a record in the order in which they were first saved. */
export function sequenceOf(value: string): number {
  return Number.parseInt(value, 10);
}

/** The id first: it names a record whose end is damaged. */
export function jsonOf(record: StoredRecord): string {
  return JSON.stringify(Object.assign({ id: record.id }, record));
}

/** @throws TokenStoreError `RECORD_CORRUPT`; the rest of the checks is done by `OAuthToken.fromRecord` */
export function recordFrom(field: string, value: string): StoredRecord {
  const head = /^\d+ \S+ /.exec(value)?.[0];
  if (head === undefined)
    throw recordCorrupt(idBegunIn(value) ?? field, 'it does not begin as a record does');
  const json = value.slice(head.length);
  let record: unknown;
  try {
    record = JSON.parse(json);
  } catch {
    throw recordCorrupt(idBegunIn(json) ?? field, 'it is not JSON');
  }
  if (!isStored(record)) throw recordCorrupt(field, 'it has no id');
  return record;
}

function isStored(record: unknown): record is StoredRecord {
  return (
    typeof record === 'object' && record !== null && 'id' in record && typeof record.id === 'string'
  );
}

function idBegunIn(json: string): string | undefined {
  const text = /^\{"id":("(?:[^"\\]|\\.)*")/.exec(json)?.[1];
  if (text === undefined) return undefined;
  try {
    return String(JSON.parse(text));
  } catch {
    return undefined;
  }
}
