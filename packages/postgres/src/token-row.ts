import type { StoredRecord } from '@tokenkeep/core';
import { columnValues, recordCorrupt, recordInRow } from '@tokenkeep/core/adapter';
import {
  type DigestedKey,
  KEYS,
  type Row,
  type SlottedEntry,
  slottedEntry,
} from '@tokenkeep/core/adapter/server';
import { COLUMNS } from './schema.ts';

/** The columns of a record. */
export const RECORD: string = COLUMNS.map(({ name }) => name).join(', ');

/** The places of the keys in the two columns that are arrays. */
export const SLOTS: readonly string[] = KEYS.map((_, place) => `slots[${place + 1}]`);
export const JOINS: readonly string[] = KEYS.map((_, place) => `joins[${place + 1}]`);

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
export function entryOfRow(row: Row): SlottedEntry {
  const [slots, joins] = [numbersIn(row['slots']), numbersIn(row['joins'])];
  return slottedEntry(recordOfRow(row), String(row['write_ids']), slots, joins);
}

/** The values of an entry, in the order of `WRITTEN`. */
export function valuesOf(
  { record, slots, joins, writeIds }: SlottedEntry,
  keys: readonly DigestedKey[],
): unknown[] {
  const digestOf = (name: string) => {
    const key = keys.find(({ field }) => field === name);
    return key === undefined ? null : bytesOf(key.digest);
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

/** The digest as it is stored. */
export function bytesOf(digest: string): Uint8Array {
  return Buffer.from(digest, 'hex');
}

/** An array as PostgreSQL writes it. */
export function arrayText(numbers: readonly number[]): string {
  return `{${numbers.join()}}`;
}

/** The same as text, or as the driver parses it. */
function numbersIn(array: unknown): number[] {
  return String(array).replace(/[{}]/g, '').split(',').map(Number);
}
