import type { TokenKeyField } from '../../rules/matching.ts';
import type { StoredRecord } from '../../token/token-fields.ts';
import { type DigestedKey, digestKey } from './digested-key.ts';
import { type Commit, type Entry, entryAfter } from './engine.ts';

/** What a record can be found by besides its id, and what its columns for that begin with. */
export const KEYS: readonly (readonly [prefix: string, field: Exclude<TokenKeyField, 'id'>])[] = [
  ['user', 'userName'],
  ['access', 'accessToken'],
  ['grant', 'grantToken'],
  ['refresh', 'refreshToken'],
];

/** The condition for rows that have one of some keys: a `?` for the digest of each. */
export function hasOneOf(keys: readonly Pick<DigestedKey, 'field'>[]): string {
  const prefixOf = (field: string) => KEYS.find(([, name]) => name === field)?.[0] ?? 'id';
  return keys.map(({ field }) => `${prefixOf(field)}_digest = ?`).join(' OR ');
}

/** A row of a table where `(digest, slot)` of each of {@link KEYS} is unique. */
export interface SlottedEntry extends Entry {
  /**
   * For each of {@link KEYS}, which of the records with this key it is. Who takes a key that nobody
   * has gets 0, who comes to share one gets the next number; of those who share one, one has 0.
   */
  readonly slots: readonly (number | null)[];
  /** For each of {@link KEYS}: how often another came to share it, or left its slot 0 to this one. */
  readonly joins: readonly number[];
}

/** @param writeIds the newest first, with commas between them */
export function slottedEntry(
  record: StoredRecord,
  writeIds: string,
  slots: SlottedEntry['slots'],
  joins: SlottedEntry['joins'],
): SlottedEntry {
  const sharedKeys = KEYS.flatMap(([, field], place) => {
    const value = record[field];
    const mayBeShared = (slots[place] ?? 0) > 0 || (joins[place] ?? 0) > 0;
    return value != null && mayBeShared ? digestKey({ field, value }).digest : [];
  });
  return { record, writeIds: writeIds.split(','), sharedKeys, slots, joins };
}

/** The entry as it is when the commit is done. */
export function slottedEntryAfter(commit: Commit<SlottedEntry>): SlottedEntry {
  const { record, replaces, others } = commit;
  const isKept = (field: keyof StoredRecord) =>
    record[field] != null && replaces?.record[field] === record[field];
  const slots = KEYS.map(([, field], place) => {
    if (record[field] == null) return null;
    if (isKept(field)) return replaces?.slots[place] ?? 0;
    const holders = others.filter((other) => other.record[field] === record[field]);
    return Math.max(-1, ...holders.map((holder) => holder.slots[place] ?? 0)) + 1;
  });
  const joins = KEYS.map(([, field], place) => (isKept(field) ? (replaces?.joins[place] ?? 0) : 0));
  return { ...entryAfter(commit), slots, joins };
}
