import type { StoredRecord } from '@tokenkeep/core';
import { columnValues, recordCorrupt, recordInRow } from '@tokenkeep/core/adapter';
import {
  type DigestedKey,
  KEYS,
  type Row,
  type SlottedEntry,
  slottedEntry,
} from '@tokenkeep/core/adapter/server';
import type { MysqlValue } from './options.ts';
import { COLUMNS } from './schema.ts';

/** The columns of the slots. */
export const SLOTS: readonly string[] = KEYS.map(([prefix]) => `${prefix}_slot`);

/** The columns of a record: a row has the names of its fields. */
export const RECORD: string = COLUMNS.map(({ name, field }) => `${name} AS ${field}`).join();

/** Those of an entry. */
export const ENTRY: string = [RECORD, ...SLOTS, 'write_ids', 'joins'].join();

/** Those that each save writes. */
export const WRITTEN: readonly string[] = [
  ...COLUMNS.map(({ name }) => name),
  ...KEYS.map(([prefix]) => `${prefix}_digest`),
  ...SLOTS,
  'id_digest',
  'write_ids',
  'joins',
];

/** The values of {@link WRITTEN}. */
export function valuesOf(entry: SlottedEntry, keys: readonly DigestedKey[]): MysqlValue[] {
  const { record, slots, joins, writeIds } = entry;
  const digestOf = (name: string) => keys.find(({ field }) => field === name)?.digest ?? null;
  return [
    ...columnValues(COLUMNS, record),
    ...KEYS.map(([, field]) => digestOf(field)),
    ...slots,
    digestOf('id'),
    writeIds.join(),
    joinsOf(joins),
  ];
}

/** A row has one number for all its keys. */
export function joinsOf(joins: SlottedEntry['joins']): number {
  return Math.max(...joins);
}

/**
 * Makes a record of a row that has its fields and no others.
 *
 * @throws TokenStoreError `RECORD_CORRUPT`
 */
export function recordOfRow(row: Row): StoredRecord {
  if (typeof row['id'] !== 'string') throw recordCorrupt(undefined, 'its id is no text');
  // A pool may be set up to give large numbers as text.
  for (const { field, isNumber } of COLUMNS) {
    if (isNumber && row[field] !== null) row[field] = Number(row[field]);
  }
  return recordInRow(row);
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
export function entryOfRow(row: Row): SlottedEntry {
  const record = recordOfRow(Object.fromEntries(COLUMNS.map(({ field }) => [field, row[field]])));
  const slots = SLOTS.map((slot) => (row[slot] === null ? null : Number(row[slot])));
  const joins = KEYS.map(() => Number(row['joins']));
  return slottedEntry(record, String(row['write_ids']), slots, joins);
}
