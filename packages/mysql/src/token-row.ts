import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type DigestedKey,
  digestKey,
  type Entry,
  withWriteId,
} from '@tokenkeep/core/adapter/server';
import type { MysqlValue } from './options.ts';
import { COLUMNS, KEYS } from './schema.ts';

/** A row as the driver gives it. */
export type Row = Record<string, unknown>;

/** A row of the table. */
export interface TokenRow extends Entry {
  /**
   * For each of {@link KEYS}, which of the records with this key it is: `(digest, slot)` is unique.
   * Who takes a key that nobody has gets 0, who comes to share one gets the next number; of those
   * who share one, one has 0.
   */
  readonly slots: readonly (number | null)[];
  /** How often another record came to share one of its keys, or left the slot 0 of one to it. */
  readonly joins: number;
}

/** The columns of a record: a row has the names of its fields. */
export const RECORD: string = COLUMNS.map(([column, field]) => `${column} AS ${field}`).join();

/** Those of a {@link TokenRow}. */
export const ENTRY: string = [
  RECORD,
  ...KEYS.map(([prefix]) => `${prefix}_slot`),
  'write_ids',
  'joins',
].join();

/** Those that each save writes. */
export const WRITTEN: readonly string[] = [
  ...COLUMNS.map(([column]) => column),
  ...KEYS.flatMap(([prefix]) => [`${prefix}_digest`, `${prefix}_slot`]),
  'id_digest',
  'write_ids',
];

/** The values of {@link WRITTEN}. */
export function rowValues(row: TokenRow, keys: readonly DigestedKey[]): MysqlValue[] {
  const digestOf = (name: string) => keys.find(({ field }) => field === name)?.digest ?? null;
  return [
    ...COLUMNS.map(([, field]) => {
      const value = row.record[field];
      return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value ?? null);
    }),
    ...KEYS.flatMap(([, field], place) => [digestOf(field), row.slots[place] ?? null]),
    digestOf('id'),
    row.writeIds.join(),
  ];
}

/**
 * Makes a record of a row that has its fields and no others.
 *
 * @throws TokenStoreError `RECORD_CORRUPT`; the rest of the checks is done by `OAuthToken.fromRecord`
 */
export function recordOfRow(row: Row): StoredRecord {
  const { id, expiresAt, extra } = row;
  if (typeof id !== 'string') throw recordCorrupt(undefined, 'its id is no text');
  // A pool may be set up to give large numbers as text.
  if (expiresAt !== null) row['expiresAt'] = Number(expiresAt);
  try {
    if (extra !== null) row['extra'] = JSON.parse(String(extra));
  } catch {
    throw recordCorrupt(id, 'its column extra is not JSON');
  }
  return Object.assign(row, { id, version: Number(row['version']) });
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
export function tokenRow(row: Row): TokenRow {
  const record = recordOfRow(Object.fromEntries(COLUMNS.map(([, field]) => [field, row[field]])));
  const slots = KEYS.map(([prefix]) => row[`${prefix}_slot`]).map((slot) =>
    slot === null ? null : Number(slot),
  );
  return entryOf(record, String(row['write_ids']).split(','), slots, Number(row['joins']));
}

/** The row as it is when the commit is done. */
export function rowAfter({ writeId, record, replaces, others }: Commit<TokenRow>): TokenRow {
  const slots = KEYS.map(([, field], place) => {
    const value = record[field];
    if (value == null) return null;
    if (replaces?.record[field] === value) return replaces.slots[place] ?? 0;
    const holders = others.filter((other) => other.record[field] === value);
    return Math.max(-1, ...holders.map((holder) => holder.slots[place] ?? 0)) + 1;
  });
  return entryOf(record, withWriteId(writeId, replaces?.writeIds), slots, replaces?.joins ?? 0);
}

function entryOf(
  record: StoredRecord,
  writeIds: readonly string[],
  slots: readonly (number | null)[],
  joins: number,
): TokenRow {
  // With all slots 0, and if nobody came since, it has its keys alone.
  const sharedKeys = KEYS.flatMap(([, field], place) => {
    const value = record[field];
    const mayBeShared = joins > 0 || (slots[place] ?? 0) > 0;
    return value != null && mayBeShared ? digestKey({ field, value }).digest : [];
  });
  return { record, writeIds, sharedKeys, slots, joins };
}
