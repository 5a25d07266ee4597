import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import {
  type Decide,
  EventLoopTurn,
  GroupCommit,
  type MaybePromise,
  recordInRow,
  retryWhileBusy,
  type SavePlan,
  type TokenKey,
  type TokenStorage,
} from '@tokenkeep/core/adapter';
import type { DatabaseSource } from './database-source.ts';
import { isBusy, translateSqliteError } from './errors.ts';
import { OpenedTable, PAGE_SIZE, type Row } from './opened-table.ts';
import { migrate, readSchemaVersion, SCHEMA_VERSION } from './schema.ts';
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
    const read = (after: number, last: number) => this.#read((table) => table.page(after, last));
    for await (const rows of this.#inOrder(read))
      yield rows.map(({ position: _, ...row }) => recordInRow(row));
  }

  /** Some records at a time, so that neither the event loop nor another connection waits for long. */
  async clear(): Promise<void> {
    const remove = (after: number, last: number) =>
      this.#writes.add((table) => table.deletePage(after, last));
    for await (const rows of this.#inOrder(remove)) {
      if (rows.length === PAGE_SIZE) await new Promise((resolve) => setTimeout(resolve, PAUSE));
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
    if (version !== SCHEMA_VERSION) inTransaction(database, () => migrate(database, this.#table));
  }

  /**
   * What is there now, a page at a time. What is saved meanwhile has a higher position, or one that
   * was passed.
   */
  async *#inOrder<R extends Row>(
    pageOf: (after: number, last: number) => MaybePromise<R[]>,
  ): AsyncGenerator<R[], void, undefined> {
    const last = await this.#read((table) => table.lastPosition());
    for (let after = 0; after < last; ) {
      const rows = await pageOf(after, last);
      if (rows.length === 0) return;
      yield rows;
      after = rows.at(-1)?.position ?? last;
    }
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
