import { recordCorrupt } from '../errors.ts';
import type { StoredRecord } from '../token/token-fields.ts';

/** A column of a table that has one for each field of a record. */
export interface RecordColumn {
  readonly name: string;
  readonly field: keyof StoredRecord;
  /** An integer of up to 53 bits; else it is text. */
  readonly isNumber: boolean;
  /** The version of the store's schema that added it. */
  readonly since: number;
}

/** Never added to: a newer core may meet an older store, whose tables have no column for more. */
const FIRST_FIELDS: readonly (keyof StoredRecord)[] = [
  'id',
  'userName',
  'clientId',
  'clientSecret',
  'refreshToken',
  'accessToken',
  'grantToken',
  'expiresAt',
  'redirectUrl',
  'apiDomain',
  'scope',
  'tokenType',
  'version',
  'extra',
];

/**
 * The columns of a store: `user_name` for `userName`.
 *
 * @param later the fields that not every store had from the beginning, and the version of this
 *   store's schema that added each
 * @param names columns that have a name of their own
 */
export function recordColumns(
  later: Readonly<Partial<Record<keyof StoredRecord, number>>>,
  names: Readonly<Partial<Record<keyof StoredRecord, string>>> = {},
): RecordColumn[] {
  const laterFields = Object.keys(later) as (keyof StoredRecord)[];
  return [...FIRST_FIELDS, ...laterFields].map((field) => ({
    name: names[field] ?? field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
    field,
    isNumber: field === 'version' || field === 'expiresAt',
    since: later[field] ?? 1,
  }));
}

/** The values of a record, in the order of the columns. */
export function columnValues(
  columns: readonly RecordColumn[],
  record: StoredRecord,
): (string | number | null)[] {
  return columns.map(({ field }) => {
    const value = record[field];
    if (value == null) return null;
    return typeof value === 'object' ? JSON.stringify(value) : value;
  });
}

/**
 * The record in a row that has the names of its fields, and `extra` as JSON.
 *
 * @throws TokenStoreError `RECORD_CORRUPT`; the rest of the checks is done by `OAuthToken.fromRecord`
 */
export function recordInRow(row: object): StoredRecord {
  const record = row as StoredRecord & { extra: unknown };
  if (typeof record.extra !== 'string') return record;
  try {
    return { ...record, extra: JSON.parse(record.extra) };
  } catch {
    throw recordCorrupt(record.id, 'its column extra is not JSON');
  }
}
