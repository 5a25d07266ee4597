import type { StoredRecord } from '@tokenkeep/core';
import { columnValues, recordCorrupt, recordInRow } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type DigestedKey,
  KEYS,
  type Row,
  type SlottedEntry,
  sharedKeysOf,
  slotsAfter,
  withWriteId,
} from '@tokenkeep/core/adapter/server';
import type { MysqlValue } from './options.ts';
import { COLUMNS, KEY_COLUMNS } from './schema.ts';

/** A row of the table. */
export interface TokenRow extends SlottedEntry {
  /** How often another record came to share one of its keys, or left the slot 0 of one to it. */
  readonly joins: number;
}

/** The columns of a record: a row has the names of its fields. */
export const RECORD: string = COLUMNS.map(({ name, field }) => `${name} AS ${field}`).join();

/** Those of a {@link TokenRow}. */
export const ENTRY: string = [
  RECORD,
  ...KEYS.map(([prefix]) => `${prefix}_slot`),
  'write_ids',
  'joins',
].join();

/** Those that each save writes. */
export const WRITTEN: readonly string[] = [
  ...COLUMNS.map(({ name }) => name),
  ...KEY_COLUMNS,
  'id_digest',
  'write_ids',
];

/** The values of {@link WRITTEN}. */
export function rowValues(row: TokenRow, keys: readonly DigestedKey[]): MysqlValue[] {
  const digestOf = (name: string) => keys.find(({ field }) => field === name)?.digest ?? null;
  return [
    ...columnValues(COLUMNS, row.record),
    ...KEYS.flatMap(([, field], place) => [digestOf(field), row.slots[place] ?? null]),
    digestOf('id'),
    row.writeIds.join(),
  ];
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
export function tokenRow(row: Row): TokenRow {
  const record = recordOfRow(Object.fromEntries(COLUMNS.map(({ field }) => [field, row[field]])));
  const slots = KEYS.map(([prefix]) => row[`${prefix}_slot`]).map((slot) =>
    slot === null ? null : Number(slot),
  );
  return entryOf(record, String(row['write_ids']).split(','), slots, Number(row['joins']));
}

/** The row as it is when the commit is done. */
export function rowAfter(commit: Commit<TokenRow>): TokenRow {
  const { writeId, record, replaces } = commit;
  const writeIds = withWriteId(writeId, replaces?.writeIds);
  return entryOf(record, writeIds, slotsAfter(commit), replaces?.joins ?? 0);
}

function entryOf(
  record: StoredRecord,
  writeIds: readonly string[],
  slots: TokenRow['slots'],
  joins: number,
): TokenRow {
  // With all slots 0, and if nobody came since, it has its keys alone.
  const sharedKeys = sharedKeysOf(record, (place) => joins > 0 || (slots[place] ?? 0) > 0);
  return { record, writeIds, sharedKeys, slots, joins };
}
