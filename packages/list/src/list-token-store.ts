import {
  type Decide,
  StorageTokenStore,
  type StoredRecord,
  type TokenKey,
  type TokenStorage,
} from '@tokenkeep/core';

/** Options of {@link ListTokenStore}. */
export interface ListTokenStoreOptions {
  /**
   * The list that the records are kept in, in the order in which they were first saved. Stores that
   * are given the same list are handles on the same storage. Secrets stand in it in the clear.
   *
   * @default a new list
   */
  records?: StoredRecord[];
}

/**
 * A token store on a plain list of records, which it searches from end to end.
 *
 * It is gone with the process. It is here to be read: the plainest code that keeps the contract.
 *
 * @example
 * const store = new ListTokenStore();
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class ListTokenStore extends StorageTokenStore {
  constructor(options: ListTokenStoreOptions = {}) {
    super(new RecordList(options.records ?? []));
  }
}

class RecordList implements TokenStorage {
  readonly #records: StoredRecord[];

  constructor(records: StoredRecord[]) {
    this.#records = records;
  }

  open(): void {}

  find(keys: readonly TokenKey[]): StoredRecord[] {
    return this.#records.filter((record) => keys.some((key) => record[key.field] === key.value));
  }

  // Nothing is awaited between reading and writing, so nothing can come between them (A1 to A5).
  save(keys: readonly TokenKey[], decide: Decide): void {
    const change = decide(this.find(keys));
    if (change === null) return;
    if (change.replaces === null) this.#records.push(change.record);
    else this.#records[this.#records.indexOf(change.replaces)] = change.record;
    for (const absorbed of change.absorbs) this.delete(absorbed.id);
  }

  delete(id: string): void {
    const index = this.#records.findIndex((record) => record.id === id);
    if (index >= 0) this.#records.splice(index, 1);
  }

  all(): StoredRecord[] {
    return [...this.#records];
  }

  clear(): void {
    this.#records.length = 0;
  }

  close(): void {}
}
