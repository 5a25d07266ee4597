import { keyDigest, recordCorrupt, type StoredRecord, type TokenKey } from '@tokenkeep/core';

/** Fields of the hash by name, absent ones as `''`; see scripts.ts. */
export type Fields = ReadonlyMap<string, string>;

/** The field to look up for a key: an id leads to its record at once. */
export function fieldOf(key: TokenKey): string {
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

/** The fields by which a record can be found, but for its id, and `other` can not. */
export function keyFieldsOf(record: StoredRecord, other?: StoredRecord | null): string[] {
  const fields: string[] = [];
  for (const field of ['userName', 'grantToken', 'refreshToken', 'accessToken'] as const) {
    const value = record[field];
    if (value != null && value !== other?.[field]) fields.push(fieldOf({ field, value }));
  }
  return fields;
}

/** The digests of the ids of the records that have a key. */
export function* holdersIn(value: string): Iterable<string> {
  for (let start = 0; start < value.length; start += 64) yield value.slice(start, start + 64);
}

/**
 * Of many fields those asked for, and the records that they lead to.
 *
 * @returns `undefined` where one of these records is not among the fields
 */
export function ledTo(asked: readonly string[], all: Fields): Fields | undefined {
  const fields = new Map<string, string>();
  for (const field of asked) {
    const value = all.get(field) ?? '';
    fields.set(field, value);
    if (isRecordField(field)) continue;
    for (const digest of holdersIn(value)) {
      const record = all.get(`record:${digest}`);
      if (record === undefined) return undefined;
      fields.set(`record:${digest}`, record);
    }
  }
  return fields;
}

/** What tells one state of a field from every other: the save that wrote a record last, or the whole. */
export function stateOf(value: string): string {
  return /^\d+ [^ ,]+/.exec(value)?.[0] ?? value;
}

/** The records among fields. */
export function recordsIn(fields: Fields): StoredRecord[] {
  const records: StoredRecord[] = [];
  for (const [field, value] of fields) {
    if (value !== '' && isRecordField(field)) records.push(recordFrom(field, value));
  }
  return records;
}

/** The place of a record in the order in which they were first saved. */
export function sequenceOf(value: string): number {
  return Number.parseInt(value, 10);
}

/** The id first: it names a record whose end is damaged. */
export function jsonOf(record: StoredRecord): string {
  const { id, ...rest } = record;
  return JSON.stringify({ id, ...rest });
}

/** @throws TokenStoreError `RECORD_CORRUPT`; the rest of the checks is done by `OAuthToken.fromRecord` */
export function recordFrom(field: string, value: string): StoredRecord {
  const json = value.slice(/^\d+ \S+ /.exec(value)?.[0].length ?? 0);
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
