import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt } from '@tokenkeep/core/adapter';
import { type DigestedKey, digestedKeysOf, type Entry } from '@tokenkeep/core/adapter/server';

/** A record as it stands in the hash; see scripts.ts. */
export interface RedisEntry extends Entry {
  /** Of its id. */
  readonly digest: string;
}

/** The field of a key: an id leads to its record at once. */
export function fieldOf({ field, digest }: DigestedKey): string {
  return `${field === 'id' ? 'record' : 'key'}:${digest}`;
}

/**
 * @param isSole whether the record is known to be the only one that has a key
 * @throws TokenStoreError `RECORD_CORRUPT`
 */
export function entryOf(
  digest: string,
  value: string,
  asked: readonly DigestedKey[],
  isSole: (key: DigestedKey) => boolean,
): RedisEntry {
  const record = recordIn(digest, value);
  const sharedKeys = digestedKeysOf(record, asked)
    .filter((key) => key.field !== 'id' && !isSole(key))
    .map((key) => key.digest);
  return { digest, record, sharedKeys, writeIds: value.slice(0, value.indexOf(' ')).split(',') };
}

/** What stands for a record. The id first: it names a record whose end is damaged. */
export function storedValue({ record, writeIds }: Pick<RedisEntry, 'record' | 'writeIds'>): string {
  return `${writeIds.join()} ${JSON.stringify(Object.assign({ id: record.id }, record))}`;
}

/** @throws TokenStoreError `RECORD_CORRUPT`; the rest of the checks is done by `OAuthToken.fromRecord` */
export function recordIn(digest: string, value: string): StoredRecord {
  const id = /^\S+ \{"id":"([^"\\]+)"/.exec(value)?.[1] ?? `record:${digest}`;
  try {
    const record: StoredRecord | null = JSON.parse(value.slice(value.indexOf(' ') + 1));
    if (typeof record?.id === 'string') return record;
  } catch {
    throw recordCorrupt(id, 'it is not JSON');
  }
  throw recordCorrupt(id, 'it has no id');
}
