import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt, type TokenKey } from '@tokenkeep/core/adapter';
import { keyDigest } from '@tokenkeep/core/adapter/server';
import { COLUMNS, KEYS } from './schema.ts';

/** A digest, and which of the records with it this is. */
export interface KeySlot {
  readonly digest: string;
  readonly slot: number;
}

/** A row of the table, as a save needs it. */
export interface TokenRow {
  readonly record: StoredRecord;
  /** The keys of the record, in the order of {@link KEYS}; `null` where it has none. */
  readonly keys: readonly (KeySlot | null)[];
  /** The save that wrote it last: no other has the same, ever. */
  readonly writer: string;
  /** How often another record came to share one of its keys since. */
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
  const keys = KEYS.map(([prefix]) => {
    const digest = row[`${prefix}_digest`];
    return typeof digest === 'string' ? { digest, slot: Number(row[`${prefix}_slot`]) } : null;
  });
  const fields = Object.fromEntries(COLUMNS.map(([, field]) => [field, row[field]]));
  return {
    record: recordOfRow(fields),
    keys,
    writer: String(row['writer']),
    joins: Number(row['joins']),
  };
}

/**
 * The digests of a record's keys, in the order of {@link KEYS}.
 *
 * @param known keys whose digests need not be made again
 */
export function keyDigests(
  record: StoredRecord,
  known: { readonly keys: readonly TokenKey[]; readonly digests: readonly string[] },
): (string | null)[] {
  return KEYS.map(([, field]) => {
    const value = record[field];
    if (value == null) return null;
    const place = known.keys.findIndex((key) => key.field === field && key.value === value);
    return known.digests[place] ?? keyDigest({ field, value });
  });
}

/** The digest that a row is addressed by. */
export function idDigest(id: string): string {
  return keyDigest({ field: 'id', value: id });
}

/** The values of a row, in the order of `WRITTEN`. */
export function rowValues({ record, keys, writer, joins }: TokenRow): (string | number | null)[] {
  return [
    ...COLUMNS.map(([, field]) => {
      const value = record[field];
      if (value == null) return null;
      return typeof value === 'object' ? JSON.stringify(value) : value;
    }),
    ...keys.flatMap((key) => [key?.digest ?? null, key?.slot ?? null]),
    writer,
    joins,
  ];
}

function parsedExtra(id: string, text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    throw recordCorrupt(id, 'its column extra is not JSON');
  }
}
