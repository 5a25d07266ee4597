import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import {
  type Decide,
  EventLoopTurn,
  GroupCommit,
  type MaybePromise,
  retryWhileBusy,
  type SavePlan,
  type TokenKey,
  type TokenStorage,
} from '@tokenkeep/core/adapter';
import type { DatabaseSource } from './database-source.ts';
import { isBusy, translateSqliteError } from './errors.ts';
import { OpenedTable } from './opened-table.ts';
import { isEmpty, migrate, readSchemaVersion, SCHEMA_VERSION } from './schema.ts';
import { inSnapshot, inTransaction, type SqliteDatabase } from './sqlite-database.ts';

/**
 * How long other connections have the database between two transactions of `clear`: milliseconds.
 * Who waits looks again every 5 ms, and without the pause would hardly ever come in.
 */
const PAUSE = 5;

/** All stores of a process: it has one event loop. */
const turn = new EventLoopTurn();

/** The records in one table, read and written by one thread, while other connections are waited for. */
export class SqliteStorage implements TokenStorage {
  readonly #source: DatabaseSource;
  readonly #table: string;
  readonly #timeout: number;
  readonly #writes: GroupCommit<OpenedTable> = new GroupCommit(
    (work) => this.#whenFree(() => this.#write(work)),
    isBusy,
  );
  #opened: OpenedTable | undefined;

  constructor(source: DatabaseSource, table: string, timeout: number) {
    this.#source = source;
    this.#table = table;
    this.#timeout = timeout;
  }

  async open(): Promise<void> {
    const database = await retryWhileBusy(() => this.#source.open(), isBusy, this.#timeout);
    try {
      await this.#whenFree(() => this.#requireSchema(database));
      this.#opened = new OpenedTable(database, this.#table);
    } catch (error) {
      this.#source.close?.(database);
      throw error;
    }
  }

  find(keys: readonly TokenKey[]): MaybePromise<StoredRecord[]> {
    return this.#read((table) => table.find(keys));
  }

  save(keys: readonly TokenKey[], decide: Decide): Promise<SavePlan> {
    return this.#writes.add((table) => {
      const plan = decide(table.find(keys), table.deletedVersion());
      if (plan.change === undefined) return plan;
      // First what goes: two records of one user of one client can't be there together.
      for (const { id } of plan.change.absorbs) table.delete(id);
      table.put(plan.change.record);
      return plan;
    });
  }

  delete(id: string, ifVersion: number | undefined): Promise<void> {
    return this.#writes.add((table) => table.delete(id, ifVersion));
  }

  async *pages(): AsyncIterable<StoredRecord[]> {
    const last = await this.#read((table) => table.lastPosition());
    let after: number | undefined = 0;
    while (after !== undefined && after < last) {
      const from: number = after;
      const { records, position } = await this.#read((table) => table.page(from, last));
      yield records;
      after = position;
    }
  }

  /** Some records at a time, so that neither the event loop nor another connection waits for long. */
  async clear(): Promise<void> {
    // What is saved from now on has a higher position, or one that was passed.
    const last = await this.#read((table) => table.lastPosition());
    let after: number | undefined = 0;
    while (after !== undefined && after < last) {
      const from: number = after;
      after = await this.#writes.add((table) => table.deletePage(from, last));
      if (after !== last) await new Promise((resolve) => setTimeout(resolve, PAUSE));
    }
  }

  close(): void {
    if (this.#opened === undefined) return;
    this.#source.close?.(this.#opened.database);
    this.#opened = undefined;
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateSqliteError(error, this.#source.path);
  }

  get #open(): OpenedTable {
    if (this.#opened === undefined) throw new Error('the table is not open');
    return this.#opened;
  }

  #requireSchema(database: SqliteDatabase): void {
    // Another process may be making, or migrating, the table in this moment (contract S2).
    const version = inSnapshot(database, () => readSchemaVersion(database, this.#table));
    if (version === SCHEMA_VERSION) return;
    // A database that another program has made stays as that has made it.
    if (isEmpty(database)) this.#source.beforeFirstTable?.(database);
    inTransaction(database, () => migrate(database, this.#table));
  }

  #read<T>(work: (table: OpenedTable) => T): MaybePromise<T> {
    return this.#whenFree(() => {
      this.#source.beforeUse?.('read');
      return work(this.#open);
    });
  }

  #write(work: (table: OpenedTable) => void): void {
    inTransaction(this.#open.database, () => {
      work(this.#open);
      this.#source.beforeUse?.('commit');
    });
  }

  /** Does it now, or when the event loop has had its turn and no other connection is in the way. */
  #whenFree<T>(work: () => T): MaybePromise<T> {
    return turn.run(() => {
      try {
        return work();
      } catch (error) {
        if (!isBusy(error)) throw error;
        return retryWhileBusy(work, isBusy, this.#timeout);
      }
    });
  }
}
