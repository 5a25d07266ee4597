import type { StoredRecord } from '../../token/token-fields.ts';
import { RECORD_FIELDS } from '../../token/token-fields.ts';
import type { DigestedKey } from './digested-key.ts';
import type { Entry } from './engine.ts';

/** Characters: enough for some thousand usual records. */
const MAX_SIZE = 8_000_000;

/** Ids. */
const MAX_NOT_CACHED = 10_000;

interface Cached<E> {
  readonly entry: E;
  /** Digests. */
  readonly keys: readonly string[];
  readonly size: number;
}

/**
 * Entries as this process wrote or read them last, so that it can guess what a read would give. A
 * guess may be wrong, which `Engine.commit` finds out.
 */
export class EntryCache<E extends Entry> {
  readonly #byId = new Map<string, Cached<E>>();
  readonly #byKey = new Map<string, Cached<E>>();
  /** Records that other processes write: a guess would be wrong too often. */
  readonly #notCached = new Set<string>();
  #size = 0;

  /** The entry that these keys lead to, if they lead to one and no other record may have them. */
  guess(keys: readonly DigestedKey[]): E | undefined {
    let found: Cached<E> | undefined;
    for (const { digest } of keys) {
      const cached = this.#byKey.get(digest);
      if (cached === undefined) continue;
      if (found !== undefined && found !== cached) return undefined;
      found = cached;
    }
    if (found === undefined) return undefined;
    const { record, sharedKeys } = found.entry;
    const isCertain = ({ field, value, digest }: DigestedKey) =>
      // Another record may have the id, and then it comes first.
      (field !== 'id' || value === record.id) && !sharedKeys.includes(digest);
    return keys.every(isCertain) ? found.entry : undefined;
  }

  /** @param keys those of the record */
  keep(entry: E, keys: readonly DigestedKey[]): void {
    const { record } = entry;
    this.forget(record.id);
    if (this.#notCached.has(record.id)) return;
    const cached: Cached<E> = {
      entry,
      keys: keys.map(({ digest }) => digest),
      size: sizeOf(record),
    };
    this.#byId.set(record.id, cached);
    for (const key of cached.keys) this.#byKey.set(key, cached);
    this.#size += cached.size;
    for (const oldest of this.#byId.keys()) {
      if (this.#size <= MAX_SIZE) break;
      this.forget(oldest);
    }
  }

  /** To be called when a guess was wrong: stop caching, other processes write the record. */
  stopCaching(id: string): void {
    if (this.#notCached.size === MAX_NOT_CACHED) this.#notCached.clear();
    this.#notCached.add(id);
    this.forget(id);
  }

  /** To be called when the record is deleted: its secrets are not kept longer. */
  forget(id: string): void {
    const cached = this.#byId.get(id);
    if (cached === undefined) return;
    this.#byId.delete(id);
    this.#size -= cached.size;
    for (const key of cached.keys) {
      if (this.#byKey.get(key) === cached) this.#byKey.delete(key);
    }
  }

  /** To be called when all records are deleted. */
  clear(): void {
    this.#byId.clear();
    this.#byKey.clear();
    this.#size = 0;
  }
}

/** Characters, roughly: the keys and the maps count for a thousand. */
function sizeOf(record: StoredRecord): number {
  let size = 1_000;
  for (const field of RECORD_FIELDS) {
    const value = record[field];
    if (typeof value === 'string') size += value.length;
    else if (typeof value === 'object' && value !== null) size += JSON.stringify(value).length;
  }
  return size;
}
