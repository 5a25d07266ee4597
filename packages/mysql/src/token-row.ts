import { keyDigest, recordCorrupt, type StoredRecord } from '@tokenkeep/core';
import { COLUMNS, KEYS } from './schema.ts';

/** A digest, and which of the records with it this is. */
export interface KeySlot {
  readonly digest: string;
  readonly slot: number;
}

/** A row of the table. */
export interface TokenRow {
  readonly record: StoredRecord;
  /** The keys of the record, in the order of {@link KEYS}; `null` where it has none. */
  readonly keys: readonly (KeySlot | null)[];
  /** The save that wrote it last. */
  readonly writer: unknown;
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
export function tokenRow(row: Readonly<Record<string, unknown>>): TokenRow {
  const record: Record<string, unknown> = {};
  for (const [column, field] of COLUMNS) record[field] = row[column];
  const { id, expiresAt, extra } = record;
  if (typeof id !== 'string') throw recordCorrupt(undefined, 'its id is no text');
  // A pool may be set up to give large numbers as text.
  if (expiresAt != null) record['expiresAt'] = Number(expiresAt);
  record['version'] = Number(record['version']);
  if (extra != null) record['extra'] = parsedExtra(id, extra);
  const keys = KEYS.map(([prefix]) => {
    const digest = row[`${prefix}_digest`];
    return typeof digest === 'string' ? { digest, slot: Number(row[`${prefix}_slot`]) } : null;
  });
  return {
    record: { ...record, id, version: Number(record['version']) },
    keys,
    writer: row['writer'],
  };
}

/** The digests of a record's keys, in the order of {@link KEYS}. */
export function keyDigests(record: StoredRecord): (string | null)[] {
  return KEYS.map(([, field]) => {
    const value = record[field];
    return value == null ? null : keyDigest({ field, value });
  });
}

/** The digest that a row is addressed by. */
export function idDigest(id: string): string {
  return keyDigest({ field: 'id', value: id });
}

/** The values of {@link COLUMNS}. */
export function columnValues(record: StoredRecord): (string | number | null)[] {
  return COLUMNS.map(([, field]) => {
    const value = record[field];
    if (value == null) return null;
    return typeof value === 'object' ? JSON.stringify(value) : value;
  });
}

function parsedExtra(id: string, text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch {
    throw recordCorrupt(id, 'its column extra is not JSON');
  }
}
