import type { StoredRecord } from '@tokenkeep/core';
import { recordInText } from '@tokenkeep/core/adapter';
import {
  type DigestedKey,
  digestedKeysOf,
  type Entry,
  type Snapshot,
} from '@tokenkeep/core/adapter/server';

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
 * What `LOOK` gives, asked for `deletedVersion` and for keys.
 *
 * @param guess what is taken for a record that is still as it was
 * @throws TokenStoreError `RECORD_CORRUPT`
 */
export function snapshotIn(
  [deletedVersion, ...values]: readonly string[],
  keys: readonly DigestedKey[],
  guess?: RedisEntry,
): Snapshot<RedisEntry> {
  const entries: RedisEntry[] = [];
  for (let at = keys.length; at < values.length; at += 2) {
    const [digest = '', value = ''] = values.slice(at, at + 2);
    const writeIds = value.slice(0, value.indexOf(' ')).split(',');
    if (guess?.digest === digest && guess.writeIds[0] === writeIds[0]) {
      entries.push(guess);
      continue;
    }
    const record = recordIn(digest, value);
    const isSole = (key: DigestedKey) => key.field === 'id' || values[keys.indexOf(key)] === digest;
    const sharedKeys = digestedKeysOf(record, keys).filter((key) => !isSole(key));
    entries.push({ digest, record, writeIds, sharedKeys: sharedKeys.map((key) => key.digest) });
  }
  return { entries, deletedVersion: Number(deletedVersion) };
}

/** What stands for a record. */
export function storedValue({ record, writeIds }: RedisEntry): string {
  return `${writeIds.join()} ${JSON.stringify(record)}`;
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
export function recordIn(digest: string, value: string): StoredRecord {
  return recordInText(value.slice(value.indexOf(' ') + 1), `record:${digest}`);
}
