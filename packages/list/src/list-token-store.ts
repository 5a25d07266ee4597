import type { StoredRecord } from '@tokenkeep/core';
import {
  type Decide,
  invalidOption,
  refuseOtherVersion,
  requireKnownOptions,
  type SavePlan,
  StorageTokenStore,
  type TokenKey,
  type TokenStorage,
} from '@tokenkeep/core/adapter';

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
  /** @throws TokenStoreError `INVALID_OPTION` */
  constructor(options: ListTokenStoreOptions = {}) {
    requireKnownOptions('ListTokenStore', options, ['records'], '{ records: [] }');
    if (options.records !== undefined && !Array.isArray(options.records)) {
      throw invalidOption('records', 'must be an array');
    }
    super(new RecordList(options.records ?? []));
  }
}

/** The highest version of a record that was deleted from a list: handles on one list share it. */
const deletedVersions = new WeakMap<StoredRecord[], number>();

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
  save(keys: readonly TokenKey[], decide: Decide): SavePlan {
    const plan = decide(this.find(keys), deletedVersions.get(this.#records));
    if (plan.change === undefined) return plan;
    const { record, replaces, absorbs } = plan.change;
    if (replaces === null) this.#records.push(record);
    else this.#records[this.#records.indexOf(replaces)] = record;
    for (const absorbed of absorbs) this.#remove(absorbed);
    return plan;
  }

  delete(id: string, ifVersion: number | undefined): void {
    const record = this.#records.find((each) => each.id === id) ?? null;
    refuseOtherVersion(record, { ifVersion });
    if (record !== null) this.#remove(record);
  }

  *pages(): Iterable<StoredRecord[]> {
    yield [...this.#records];
  }

  clear(): void {
    for (const record of [...this.#records]) this.#remove(record);
  }

  close(): void {}

  #remove(record: StoredRecord): void {
    this.#records.splice(this.#records.indexOf(record), 1);
    const deletedVersion = deletedVersions.get(this.#records) ?? 0;
    deletedVersions.set(this.#records, Math.max(deletedVersion, record.version));
  }
}
