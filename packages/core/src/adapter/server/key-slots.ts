import type { TokenKeyField } from '../../rules/matching.ts';
import type { StoredRecord } from '../../token/token-fields.ts';
import { digestKey } from './digested-key.ts';
import type { Commit, Entry } from './engine.ts';

/** What a record can be found by besides its id, and what its columns for that begin with. */
export const KEYS: readonly (readonly [prefix: string, field: Exclude<TokenKeyField, 'id'>])[] = [
  ['user', 'userName'],
  ['access', 'accessToken'],
  ['grant', 'grantToken'],
  ['refresh', 'refreshToken'],
];

/** The column of a key's digest. */
export function digestColumn(field: TokenKeyField): string {
  return `${KEYS.find(([, name]) => name === field)?.[0] ?? 'id'}_digest`;
}

/** A row of a table where `(digest, slot)` of each of {@link KEYS} is unique. */
export interface SlottedEntry extends Entry {
  /**
   * For each of {@link KEYS}, which of the records with this key it is. Who takes a key that nobody
   * has gets 0, who comes to share one gets the next number; of those who share one, one has 0.
   */
  readonly slots: readonly (number | null)[];
}

/** The slots of the record when the commit is done; `null` for a key that it does not have. */
export function slotsAfter({
  record,
  replaces,
  others,
}: Commit<SlottedEntry>): SlottedEntry['slots'] {
  return KEYS.map(([, field], place) => {
    const value = record[field];
    if (value == null) return null;
    if (replaces?.record[field] === value) return replaces.slots[place] ?? 0;
    const holders = others.filter((other) => other.record[field] === value);
    return Math.max(-1, ...holders.map((holder) => holder.slots[place] ?? 0)) + 1;
  });
}

/** See {@link Entry.sharedKeys}. */
export function sharedKeysOf(
  record: StoredRecord,
  mayBeShared: (place: number) => boolean,
): string[] {
  return KEYS.flatMap(([, field], place) => {
    const value = record[field];
    return value != null && mayBeShared(place) ? digestKey({ field, value }).digest : [];
  });
}
