import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type DigestedKey,
  digestKey,
  type Entry,
  withWriteId,
} from '@tokenkeep/core/adapter/server';
import { COLUMNS, KEYS } from './schema.ts';

/** A row as the driver gives it. */
export type Row = Readonly<Record<string, unknown>>;

/** A row of the table. In lists, there is a number for each of {@link KEYS}. */
export interface TokenRow extends Entry {
  /**
   * Which of the records with this key it is: `(digest, slot)` is unique. Who takes a key that nobody
   * has gets 0, who comes to share one gets the next number; of those who share one, one has 0.
   */
  readonly slots: readonly number[];
  /** How often another record came to share this key, or one that had it before left. */
  readonly joins: readonly number[];
}

/** Throws for bytes that are not UTF-8, and takes nothing away. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Makes a record of a row.
 *
 * @throws TokenStoreError `RECORD_CORRUPT`; the rest of the checks is done by `OAuthToken.fromRecord`
 */
export function recordOfRow(row: Row): StoredRecord {
  const record: Record<string, unknown> = {};
  let column = '';
  try {
    for (const [name, field] of COLUMNS) {
      const value = row[name];
      if (value === null) continue;
      column = name;
      record[field] = fieldValue(field, value);
    }
  } catch {
    throw recordCorrupt(record['id'], `its column ${column} can not be read`);
  }
  const { id, version } = record;
  if (typeof id !== 'string' || typeof version !== 'number') {
    throw recordCorrupt(id, 'it has no id or no version');
  }
  return { ...record, id, version };
}

function fieldValue(field: keyof StoredRecord, value: unknown): unknown {
  if (field === 'version' || field === 'expiresAt') {
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new Error('it is no integer that a number can hold');
    return number;
  }
  if (!(value instanceof Uint8Array)) throw new Error('it is not bytes');
  const text = utf8.decode(value);
  return field === 'extra' ? JSON.parse(text) : text;
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
export function tokenRow(row: Row): TokenRow {
  const record = recordOfRow(row);
  const slots = numbersIn(row['slots']);
  const joins = numbersIn(row['joins']);
  const writeIds = String(row['write_ids']).split(',');
  return { record, writeIds, slots, joins, sharedKeys: sharedKeysOf(record, slots, joins) };
}

/** The row as it is when the commit is done. */
export function rowAfter({ writeId, record, replaces, others }: Commit<TokenRow>): TokenRow {
  const kept = KEYS.map(
    ([, field]) => record[field] != null && replaces?.record[field] === record[field],
  );
  const slots = KEYS.map(([, field], place) => {
    if (kept[place]) return replaces?.slots[place] ?? 0;
    const sharers = others.filter((other) => has(other.record, field, record[field]));
    return Math.max(-1, ...sharers.map((other) => other.slots[place] ?? 0)) + 1;
  });
  const joins = kept.map((isKept, place) => (isKept ? (replaces?.joins[place] ?? 0) : 0));
  const writeIds = withWriteId(writeId, replaces?.writeIds);
  return { record, writeIds, slots, joins, sharedKeys: sharedKeysOf(record, slots, joins) };
}

/** Whether both rows can't be in the table, as they have a key and its slot in common. */
export function isInTheWay(one: TokenRow, other: TokenRow): boolean {
  return KEYS.some(
    ([, field], place) =>
      has(one.record, field, other.record[field]) && one.slots[place] === other.slots[place],
  );
}

/** What the `WHERE` takes by which a row is found only if it is as it was read. */
export function guardOf({ record, writeIds, joins }: TokenRow): [Uint8Array, string, string] {
  const id = digestKey({ field: 'id', value: record.id });
  return [bytesOf(id), writeIds.join(), arrayText(joins)];
}

/** The values of a row, in the order of `WRITTEN`. */
export function rowValues(
  { record, slots, joins, writeIds }: TokenRow,
  keys: readonly DigestedKey[],
): unknown[] {
  const digestOf = (name: string) => {
    const key = keys.find(({ field }) => field === name);
    return key === undefined ? null : bytesOf(key);
  };
  return [
    ...COLUMNS.map(([, field]) => {
      const value = record[field];
      if (value == null || typeof value === 'number') return value ?? null;
      return Buffer.from(typeof value === 'object' ? JSON.stringify(value) : value);
    }),
    digestOf('id'),
    ...KEYS.map(([, field]) => digestOf(field)),
    arrayText(slots),
    arrayText(joins),
    writeIds.join(),
  ];
}

/** Digests of keys of a row that others may have as well, as they are stored. */
export function sharedDigestsIn(row: Row): Uint8Array[] {
  const slots = numbersIn(row['slots']);
  const joins = numbersIn(row['joins']);
  return KEYS.flatMap(([column], place) => {
    const digest = row[column];
    return digest instanceof Uint8Array && mayBeShared(slots, joins, place) ? digest : [];
  });
}

/** The digest as it is stored. */
export function bytesOf({ digest }: Pick<DigestedKey, 'digest'>): Buffer {
  return Buffer.from(digest, 'hex');
}

/** An array as PostgreSQL writes it. */
function arrayText(numbers: readonly number[]): string {
  return `{${numbers.join()}}`;
}

/** The same as text, or as the driver parses it. */
function numbersIn(array: unknown): number[] {
  return String(array).replace(/[{}]/g, '').split(',').map(Number);
}

function sharedKeysOf(
  record: StoredRecord,
  slots: readonly number[],
  joins: readonly number[],
): string[] {
  return KEYS.flatMap(([, field], place) => {
    const value = record[field];
    const isShared = value != null && mayBeShared(slots, joins, place);
    return isShared ? digestKey({ field, value }).digest : [];
  });
}

function mayBeShared(slots: readonly number[], joins: readonly number[], place: number): boolean {
  return (slots[place] ?? 0) > 0 || (joins[place] ?? 0) > 0;
}

function has(record: StoredRecord, field: keyof StoredRecord, value: unknown): boolean {
  return value != null && record[field] === value;
}
