import {
  type Commit,
  type DigestedKey,
  type Engine,
  type Entry,
  entryAfter,
  type Snapshot,
  STALE,
} from '../src/adapter/server/index.ts';
import { type StoredRecord, TokenStoreError } from '../src/index.ts';
import { refuseOtherVersion } from '../src/rules/index.ts';

export interface MemoryEntry extends Entry {
  /** Grows when the record is written, and when another comes to share a key with it. */
  readonly revision: number;
}

/** What goes wrong with the next commit. */
export type Fault =
  /** The connection breaks before the server has it. */
  | 'not sent'
  /** The connection breaks after it is done. */
  | 'answer lost'
  /** The connection breaks, and the server does it at the next call of anybody. */
  | 'late';

/** The database that several processes have in common. */
export class MemoryDatabase {
  readonly entries: Map<string, MemoryEntry> = new Map();
  readonly late: (() => unknown)[] = [];
  deletedVersion = 0;
  /** The `scope` of every record that was written, in the order of writing. */
  readonly written: unknown[] = [];
}

/** An engine in memory: each step takes a turn of the event loop, and may go wrong. */
export class MemoryEngine implements Engine<MemoryEntry> {
  readonly database: MemoryDatabase;
  readonly faults: (Fault | undefined)[] = [];
  readonly calls: string[] = [];
  /** Called before a commit is looked at. */
  beforeCommit: () => Promise<void> = async () => {};

  constructor(database: MemoryDatabase) {
    this.database = database;
  }

  open(): void {}
  close(): void {}

  async read(keys: readonly DigestedKey[]): Promise<Snapshot<MemoryEntry>> {
    await this.#step('read');
    const entries = [...this.database.entries.values()].filter(({ record }) =>
      keys.some(({ field, value }) => record[field] === value),
    );
    return { entries, deletedVersion: this.database.deletedVersion };
  }

  async commit(commit: Commit<MemoryEntry>): Promise<MemoryEntry | typeof STALE> {
    await this.beforeCommit();
    await this.#step('commit');
    const fault = this.faults.shift();
    if (fault === 'late') this.database.late.push(() => this.#apply(commit));
    if (fault === 'not sent' || fault === 'late') throw connectionFailed();
    const entry = this.#apply(commit);
    if (fault === 'answer lost') throw connectionFailed();
    return entry;
  }

  async delete({ value }: DigestedKey, ifVersion: number | undefined): Promise<undefined> {
    await this.#step('delete');
    const entry = this.database.entries.get(value);
    refuseOtherVersion(entry?.record ?? null, { ifVersion });
    if (entry !== undefined) this.#remove(entry);
  }

  async *pages(): AsyncIterable<StoredRecord[]> {
    yield [...this.database.entries.values()].map(({ record }) => record);
  }

  clear(): void {
    for (const entry of this.database.entries.values()) this.#remove(entry);
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return error instanceof TokenStoreError ? error : undefined;
  }

  #apply(commit: Commit<MemoryEntry>): MemoryEntry | typeof STALE {
    const { record, replaces, absorbs, others, addedKeys, absentKeys } = commit;
    const { entries } = this.database;
    const read = [...(replaces === null ? [] : [replaces]), ...absorbs, ...others];
    const isAsRead = read.every(
      (entry) => entries.get(entry.record.id)?.revision === entry.revision,
    );
    const ids = read.map((entry) => entry.record.id);
    const isTaken = [...addedKeys, ...absentKeys].some(({ field, value }) =>
      [...entries.values()].some(
        (entry) => entry.record[field] === value && !ids.includes(entry.record.id),
      ),
    );
    const { deletedVersion = this.database.deletedVersion } = commit;
    if (!isAsRead || isTaken || deletedVersion !== this.database.deletedVersion) return STALE;
    for (const entry of absorbs) this.#remove(entry);
    const written = entryAfter(commit);
    for (const entry of others) {
      entries.set(entry.record.id, {
        ...entry,
        sharedKeys: [...entry.sharedKeys, ...written.sharedKeys],
        revision: entry.revision + 1,
      });
    }
    const entry: MemoryEntry = { ...written, revision: (replaces?.revision ?? 0) + 1 };
    entries.set(record.id, entry);
    this.database.written.push(record.scope);
    return entry;
  }

  #remove({ record }: MemoryEntry): void {
    this.database.entries.delete(record.id);
    this.database.deletedVersion = Math.max(this.database.deletedVersion, record.version);
  }

  async #step(name: string): Promise<void> {
    this.calls.push(name);
    await new Promise(setImmediate);
    for (const apply of this.database.late.splice(0)) apply();
  }
}

function connectionFailed(): TokenStoreError {
  return new TokenStoreError('CONNECTION_FAILED', 'The connection broke.');
}
