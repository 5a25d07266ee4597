import { hash } from 'node:crypto';
import { keysOf, type TokenKey, type TokenKeyField } from '../../rules/matching.ts';
import type { TokenRecord } from '../../token/token-fields.ts';

/** A key as databases index it, which can't index a value of 64 KiB. */
export interface DigestedKey {
  readonly field: TokenKeyField;
  readonly value: string;
  /** 64 lower-case hexadecimal digits: equal for the same field and value only. */
  readonly digest: string;
}

/** SHA-256 of the field and the value. */
export function digestKey({ field, value }: TokenKey): DigestedKey {
  return { field, value, digest: hash('sha256', `${field}\0${value}`) };
}

export function digestsOf(keys: readonly DigestedKey[]): string[] {
  return keys.map(({ digest }) => digest);
}

/**
 * The keys of a record, each once, the one of its id first.
 *
 * @param known keys whose digests need not be made again
 */
export function digestedKeysOf(
  record: TokenRecord,
  known: readonly DigestedKey[] = [],
): DigestedKey[] {
  return keysOf(record).map(
    (key) =>
      known.find(({ field, value }) => field === key.field && value === key.value) ??
      digestKey(key),
  );
}
