import type { TokenKey, TokenKeyField } from '../rules/matching.ts';
import { refuseOtherVersion, type SavePlan } from '../rules/save-plan.ts';
import type { StoredRecord } from '../token/token-fields.ts';
import type { Decide, TokenStorage } from './token-storage.ts';

/** Records in one page. */
const PAGE_SIZE = 1_000;

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

  /** The highest version of a record that was deleted or absorbed. */
  #deletedVersion: number;
  #changes = 0;

  /** @param deletedVersion what an earlier space had, whose records are put into this one */
  constructor(deletedVersion = 0) {
    this.#deletedVersion = deletedVersion;
  }

  get deletedVersion(): number {
    return this.#deletedVersion;
  }

  /** How often something was changed. */
  get changes(): number {
    return this.#changes;
  }

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
  save(keys: readonly TokenKey[], decide: Decide): SavePlan {
    const plan = decide(this.find(keys), this.#deletedVersion);
    if (plan.change === undefined) return plan;
    const { record, replaces, absorbs } = plan.change;
    if (replaces !== null) this.#unindex(replaces);
    for (const absorbed of absorbs) this.#remove(absorbed);
    this.put(record);
    return plan;
  }

  /** Adds a record that was kept elsewhere, or takes the place of the one with its id. */
  put(record: StoredRecord): void {
    // A key that a map already has keeps its place in the order.
    this.#byId.set(record.id, record);
    this.#index(record);
    this.#changes += 1;
  }

  delete(id: string, ifVersion?: number): void {
    const record = this.#byId.get(id) ?? null;
    refuseOtherVersion(record, { ifVersion });
    if (record !== null) this.#remove(record);
  }

  *pages(): Iterable<StoredRecord[]> {
    let page: StoredRecord[] = [];
    // The iterator of a map goes on where it was, whatever is added or removed meanwhile.
    for (const record of this.#byId.values()) {
      if (page.push(record) < PAGE_SIZE) continue;
      yield page;
      page = [];
    }
    yield page;
  }

  clear(): void {
    for (const { version } of this.#byId.values()) {
      this.#deletedVersion = Math.max(this.#deletedVersion, version);
    }
    this.#changes += this.#byId.size;
    this.#byId.clear();
    for (const ids of Object.values(this.#idsBy)) ids.clear();
  }

  close(): void {}

  #remove(record: StoredRecord): void {
    this.#unindex(record);
    this.#byId.delete(record.id);
    this.#changes += 1;
    this.#deletedVersion = Math.max(this.#deletedVersion, record.version);
  }

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
