import type { StoredRecord } from '@tokenkeep/core';
import { columnValues, recordCorrupt, recordInRow } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type DigestedKey,
  digestKey,
  KEYS,
  type Row,
  type SlottedEntry,
  sharedKeysOf,
  slotsAfter,
  withWriteId,
} from '@tokenkeep/core/adapter/server';
import { COLUMNS } from './schema.ts';

/** A row of the table. */
export interface TokenRow extends SlottedEntry {
  /** For each of `KEYS`: how often another record came to share it, or one that had it before left. */
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
    for (const { name, field, isNumber } of COLUMNS) {
      const value = row[name];
      if (value === null) continue;
      column = name;
      record[field] = isNumber ? integerIn(value) : textIn(value);
    }
  } catch {
    throw recordCorrupt(record['id'], `its column ${column} can not be read`);
  }
  const { id, version } = record;
  if (typeof id !== 'string' || typeof version !== 'number') {
    throw recordCorrupt(id, 'it has no id or no version');
  }
  return recordInRow({ ...record, id, version });
}

function integerIn(value: unknown): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw new Error('it is no integer that a number can hold');
  return number;
}

function textIn(value: unknown): string {
  if (!(value instanceof Uint8Array)) throw new Error('it is not bytes');
  return utf8.decode(value);
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
export function tokenRow(row: Row): TokenRow {
  const record = recordOfRow(row);
  const slots = numbersIn(row['slots']);
  const joins = numbersIn(row['joins']);
  const writeIds = String(row['write_ids']).split(',');
  return { record, writeIds, slots, joins, sharedKeys: sharedIn(record, slots, joins) };
}

/** The row as it is when the commit is done. */
export function rowAfter(commit: Commit<TokenRow>): TokenRow {
  const { writeId, record, replaces } = commit;
  const slots = slotsAfter(commit);
  const joins = KEYS.map(([, field], place) => {
    const isKept = record[field] != null && replaces?.record[field] === record[field];
    return isKept ? (replaces?.joins[place] ?? 0) : 0;
  });
  const writeIds = withWriteId(writeId, replaces?.writeIds);
  return { record, writeIds, slots, joins, sharedKeys: sharedIn(record, slots, joins) };
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
    ...columnValues(COLUMNS, record).map((value) =>
      typeof value === 'string' ? Buffer.from(value) : value,
    ),
    digestOf('id'),
    ...KEYS.map(([, field]) => digestOf(field)),
    // 0 for a key that it does not have.
    arrayText(slots.map((slot) => slot ?? 0)),
    arrayText(joins),
    writeIds.join(),
  ];
}

/** Digests of keys of a row that others may have as well, as they are stored. */
export function sharedDigestsIn(row: Row): Uint8Array[] {
  const slots = numbersIn(row['slots']);
  const joins = numbersIn(row['joins']);
  return KEYS.flatMap(([prefix], place) => {
    const digest = row[`${prefix}_digest`];
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

function sharedIn(
  record: StoredRecord,
  slots: TokenRow['slots'],
  joins: TokenRow['joins'],
): string[] {
  return sharedKeysOf(record, (place) => mayBeShared(slots, joins, place));
}

function mayBeShared(slots: TokenRow['slots'], joins: TokenRow['joins'], place: number): boolean {
  return (slots[place] ?? 0) > 0 || (joins[place] ?? 0) > 0;
}

function has(record: StoredRecord, field: keyof StoredRecord, value: unknown): boolean {
  return value != null && record[field] === value;
}
