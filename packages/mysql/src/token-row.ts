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

/** A row of the table. */
export interface TokenRow extends Entry {
  /**
   * For each of {@link KEYS}, which of the records with this key it is: `(digest, slot)` is unique.
   * Who takes a key that nobody has gets 0, who comes to share one gets the next number.
   */
  readonly slots: readonly (number | null)[];
  /** How often another record came to share one of its keys. */
  readonly joins: number;
}

/**
 * Makes a record of a row that has its fields and no others.
 *
 * @throws TokenStoreError `RECORD_CORRUPT`; the rest of the checks is done by `OAuthToken.fromRecord`
 */
export function recordOfRow(row: Record<string, unknown>): StoredRecord {
  const { id, expiresAt, extra } = row;
  if (typeof id !== 'string') throw recordCorrupt(undefined, 'its id is no text');
  // A pool may be set up to give large numbers as text.
  if (expiresAt !== null) row['expiresAt'] = Number(expiresAt);
  if (extra !== null) row['extra'] = parsedExtra(id, extra);
  return Object.assign(row, { id, version: Number(row['version']) });
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
export function tokenRow(row: Readonly<Record<string, unknown>>): TokenRow {
  const record = recordOfRow(Object.fromEntries(COLUMNS.map(([, field]) => [field, row[field]])));
  const slots = KEYS.map(([prefix]) => {
    const slot = row[`${prefix}_slot`];
    return slot === null ? null : Number(slot);
  });
  const joins = Number(row['joins']);
  const writeIds = String(row['write_ids']).split(',');
  return { record, writeIds, slots, joins, sharedKeys: sharedKeysOf(record, slots, joins) };
}

/** The row as it is when the commit is done. */
export function rowAfter({ writeId, record, replaces, others }: Commit<TokenRow>): TokenRow {
  const slots = KEYS.map(([, field], place) => {
    const value = record[field];
    if (value == null) return null;
    if (replaces !== null && replaces.record[field] === value) return replaces.slots[place] ?? null;
    const taken = others.filter((other) => other.record[field] === value);
    return Math.max(-1, ...taken.map((other) => other.slots[place] ?? 0)) + 1;
  });
  const joins = replaces?.joins ?? 0;
  const writeIds = withWriteId(writeId, replaces?.writeIds);
  return { record, writeIds, slots, joins, sharedKeys: sharedKeysOf(record, slots, joins) };
}

/** The values of a row, in the order of `WRITTEN`. */
export function rowValues(
  { record, slots, writeIds }: TokenRow,
  keys: readonly DigestedKey[],
): MysqlValue[] {
  const digestOf = (name: string) => keys.find(({ field }) => field === name)?.digest ?? null;
  return [
    ...COLUMNS.map(([, field]) => {
      const value = record[field];
      if (value == null) return null;
      return typeof value === 'object' ? JSON.stringify(value) : value;
    }),
    ...KEYS.flatMap(([, field], place) => [digestOf(field), slots[place] ?? null]),
    digestOf('id'),
    writeIds.join(),
  ];
}

/** Without a slot above 0, and if nobody came since, it has its keys alone. */
function sharedKeysOf(
  record: StoredRecord,
  slots: readonly (number | null)[],
  joins: number,
): string[] {
  return KEYS.flatMap(([, field], place) => {
    const value = record[field];
    const mayBeShared = joins > 0 || (slots[place] ?? 0) > 0;
    return value != null && mayBeShared ? digestKey({ field, value }).digest : [];
  });
}

function parsedExtra(id: string, text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    throw recordCorrupt(id, 'its column extra is not JSON');
  }
}
