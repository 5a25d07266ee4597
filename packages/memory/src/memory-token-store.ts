import {
  type Decide,
  StorageTokenStore,
  type StoredRecord,
  type TokenKey,
  type TokenKeyField,
  type TokenStorage,
} from '@tokenkeep/core';

/** Options of {@link MemoryTokenStore}. */
export interface MemoryTokenStoreOptions {
  /**
   * Where the records are kept. Stores that are given the same space are handles on the same storage.
   *
   * @default a new space
   */
  space?: MemorySpace;
}

/**
 * A token store in memory: gone with the process, as fast as a map.
 *
 * @example
 * const store = new MemoryTokenStore();
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class MemoryTokenStore extends StorageTokenStore {
  constructor(options: MemoryTokenStoreOptions = {}) {
    super(options.space ?? new MemorySpace());
  }
}

type IndexedField = Exclude<TokenKeyField, 'id'>;

/** Records in maps: one by id, in the order in which they were first saved, and one for each other key. */
export class MemorySpace implements TokenStorage {
  readonly #byId = new Map<string, StoredRecord>();
  readonly #idsBy: Readonly<Record<IndexedField, Map<string, Set<string>>>> = {
    userName: new Map(),
    accessToken: new Map(),
    grantToken: new Map(),
    refreshToken: new Map(),
  };

  open(): void {}

  find(keys: readonly TokenKey[]): StoredRecord[] {
    const found: StoredRecord[] = [];
    for (const { field, value } of keys) {
      const ids = field === 'id' ? [value] : (this.#idsBy[field].get(value) ?? []);
      for (const id of ids) {
        const record = this.#byId.get(id);
        if (record !== undefined) found.push(record);
      }
    }
    return found;
  }

  // Nothing is awaited between reading and writing, so nothing can come between them (A1 to A5).
  save(keys: readonly TokenKey[], decide: Decide): void {
    const change = decide(this.find(keys));
    if (change === null) return;
    if (change.replaces !== null) this.#unindex(change.replaces);
    for (const absorbed of change.absorbs) this.delete(absorbed.id);
    // A key that a map already has keeps its place in the order.
    this.#byId.set(change.record.id, change.record);
    this.#index(change.record);
  }

  delete(id: string): void {
    const record = this.#byId.get(id);
    if (record === undefined) return;
    this.#unindex(record);
    this.#byId.delete(id);
  }

  all(): StoredRecord[] {
    return [...this.#byId.values()];
  }

  clear(): void {
    this.#byId.clear();
    for (const ids of Object.values(this.#idsBy)) ids.clear();
  }

  close(): void {}

  #index(record: StoredRecord): void {
    for (const [ids, value] of this.#indexEntries(record)) {
      const sharing = ids.get(value);
      if (sharing === undefined) ids.set(value, new Set([record.id]));
      else sharing.add(record.id);
    }
  }

  #unindex(record: StoredRecord): void {
    for (const [ids, value] of this.#indexEntries(record)) {
      const sharing = ids.get(value);
      sharing?.delete(record.id);
      if (sharing?.size === 0) ids.delete(value);
    }
  }

  *#indexEntries(record: StoredRecord): Iterable<[Map<string, Set<string>>, string]> {
    for (const field of ['userName', 'accessToken', 'grantToken', 'refreshToken'] as const) {
      const value = record[field];
      if (value != null) yield [this.#idsBy[field], value];
    }
  }
}
