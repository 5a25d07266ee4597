import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import {
  type Decide,
  EventLoopTurn,
  type Failures,
  GroupCommit,
  invalidOption,
  type MaybePromise,
  refuseOtherVersion,
  requireKnownOptions,
  requireTimeout,
  type SavePlan,
  StorageTokenStore,
  type TokenKey,
  type TokenStorage,
  type Work,
} from '@tokenkeep/core/adapter';
import { requirePath } from '@tokenkeep/core/adapter/file';
import { DatabaseFile } from './database-file.ts';
import { type DatabaseSource, GivenDatabase, type Synchronous } from './database-source.ts';
import { isBusy, translateSqliteError } from './errors.ts';
import { ImmediateTransaction } from './immediate-transaction.ts';
import { OpenedTable } from './opened-table.ts';
import { isEmpty, migrate, readSchemaVersion, SCHEMA_VERSION } from './schema.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** Options of either kind of `SqliteTokenStore`. */
export interface SqliteTableOptions {
  /**
   * The table that the records are in: lower-case letters, digits and `_`, at most 63. Stores with
   * different tables in one database never see each other (contract C16).
   *
   * @default 'oauthtoken'
   */
  table?: string;
  /**
   * How long to wait for other connections that hold the database: milliseconds.
   *
   * @default 30_000
   */
  timeout?: number;
}

/** A file that the store opens and closes. */
export interface SqlitePathOptions extends SqliteTableOptions {
  /**
   * The database file, or `:memory:`. It is created where there is none, readable by its owner
   * only, with the folders that are missing. A symbolic link is followed.
   */
  path: string | URL;
  database?: undefined;
  /**
   * What a save waits for. `full`: it is on the disk, and outlives a power failure. `extra`: the
   * folder is too. `normal`: it outlives the process, but a power failure may take the last saves.
   *
   * @default 'full'
   */
  synchronous?: Synchronous;
}

/** A handle that the caller opened and closes. */
export interface SqliteDatabaseOptions extends SqliteTableOptions {
  /**
   * A `Database` of better-sqlite3 or a `DatabaseSync` of `node:sqlite` (Node 24 or later). Its
   * settings stay as they are, but `secure_delete` is on while a store is open on it.
   */
  database: SqliteDatabase;
  path?: undefined;
  synchronous?: undefined;
}

/** Options of {@link SqliteTokenStore}: either `path` or `database`. */
export type SqliteTokenStoreOptions = SqlitePathOptions | SqliteDatabaseOptions;

/**
 * A token store in an SQLite database, for any number of processes of one machine.
 *
 * The constructor checks its options and does nothing else: the first call opens the database.
 *
 * @example
 * const store = new SqliteTokenStore({ path: './tokens.db' });
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class SqliteTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION` which names the option */
  constructor(options: SqliteTokenStoreOptions) {
    requireKnownOptions('SqliteTokenStore', options, OPTIONS, "{ path: './tokens.db' }");
    const timeout = requireTimeout(options.timeout ?? 30_000, 0);
    super(new SqliteTable(sourceOf(options), tableOf(options), timeout));
  }
}

interface Opened {
  readonly database: SqliteDatabase;
  readonly transaction: ImmediateTransaction;
  readonly table: OpenedTable;
}

/** All stores of a process: it has one event loop. */
const turn = new EventLoopTurn();

class SqliteTable implements TokenStorage {
  readonly #source: DatabaseSource;
  readonly #table: string;
  readonly #timeout: number;
  readonly #writes: GroupCommit<OpenedTable> = new GroupCommit((works) => this.#commit(works));
  #opened: Opened | undefined;

  constructor(source: DatabaseSource, table: string, timeout: number) {
    this.#source = source;
    this.#table = table;
    this.#timeout = timeout;
  }

  async open(): Promise<void> {
    const database = await this.#source.open();
    try {
      await this.#whenFree(() => this.#source.configure(database));
      const transaction = await this.#whenFree(() => new ImmediateTransaction(database));
      await this.#whenFree(() => this.#requireSchema(database, transaction));
      const table = await this.#whenFree(() => new OpenedTable(database, this.#table));
      this.#opened = { database, transaction, table };
    } catch (error) {
      this.#source.close(database);
      throw error;
    }
  }

  find(keys: readonly TokenKey[]): MaybePromise<StoredRecord[]> {
    return this.#whenFree(() => {
      this.#source.beforeRead();
      return this.#open.table.find(keys);
    });
  }

  save(keys: readonly TokenKey[], decide: Decide): Promise<SavePlan> {
    return this.#writes.add((table) => {
      const plan = decide(table.find(keys), table.deletedVersion());
      if (plan.change === undefined) return plan;
      // First what goes: two records of one user of one client can't be there together.
      for (const { id } of plan.change.absorbs) table.delete(id, () => undefined);
      table.put(plan.change.record);
      return plan;
    });
  }

  delete(id: string, ifVersion: number | undefined): Promise<void> {
    return this.#writes.add((table) =>
      table.delete(id, (record) => refuseOtherVersion(record, { ifVersion })),
    );
  }

  async *pages(): AsyncIterable<StoredRecord[]> {
    const { table } = this.#open;
    const last = await this.#whenFree(() => table.lastPosition());
    let position: number | undefined = 0;
    while (position !== undefined && position < last) {
      const after: number = position;
      const page = await this.#whenFree(() => {
        this.#source.beforeRead();
        return table.page(after, last);
      });
      yield page.records;
      position = page.position;
      await turn.next();
    }
  }

  /** Some records at a time, so that neither the event loop nor another connection waits for long. */
  async clear(): Promise<void> {
    const { table } = this.#open;
    // What is saved from now on has a higher position, or one that was passed.
    const last = await this.#whenFree(() => table.lastPosition());
    let position: number | undefined = 0;
    while (position !== undefined && position < last) {
      const after: number = position;
      position = await this.#writes.add(() => table.deletePage(after, last));
      await turn.next();
    }
  }

  close(): void {
    if (this.#opened === undefined) return;
    this.#source.close(this.#opened.database);
    this.#opened = undefined;
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateSqliteError(error, this.#source.path);
  }

  get #open(): Opened {
    if (this.#opened === undefined) throw new Error('the table is not open');
    return this.#opened;
  }

  #requireSchema(database: SqliteDatabase, transaction: ImmediateTransaction): void {
    if (readSchemaVersion(database, this.#table) === SCHEMA_VERSION) return;
    // A database that another program has made stays as that has made it.
    if (isEmpty(database)) this.#source.beforeFirstTable(database);
    transaction.run(() => migrate(database, this.#table));
  }

  async #commit(works: readonly Work<OpenedTable>[]): Promise<Failures> {
    try {
      return await this.#whenFree(() => this.#inOneTransaction(works));
    } catch (error) {
      if (works.length === 1 || isBusy(error)) throw error;
    }
    // One of them can't be written. Each on its own, so that its fault is not the others'.
    const failures = new Map<number, unknown>();
    for (const [place, work] of works.entries()) {
      try {
        const failed = await this.#whenFree(() => this.#inOneTransaction([work]));
        if (failed.has(0)) failures.set(place, failed.get(0));
      } catch (error) {
        failures.set(place, error);
      }
    }
    return failures;
  }

  #inOneTransaction(works: readonly Work<OpenedTable>[]): Failures {
    const failures = new Map<number, unknown>();
    this.#open.transaction.run(() => {
      for (const [place, work] of works.entries()) {
        try {
          work(this.#open.table);
        } catch (error) {
          // A save that was refused has written nothing yet; a fault of SQLite may come halfway.
          if (!(error instanceof TokenStoreError)) throw error;
          failures.set(place, error);
        }
      }
      this.#source.beforeCommit();
    });
    return failures;
  }

  /** Does it now, or when the event loop has had its turn and no other connection is in the way. */
  #whenFree<T>(work: () => T): MaybePromise<T> {
    if (turn.isOver()) return turn.next().then(() => this.#whenFree(work));
    try {
      return work();
    } catch (error) {
      if (!isBusy(error)) throw error;
      return this.#retry(work);
    }
  }

  async #retry<T>(work: () => T): Promise<T> {
    const end = performance.now() + this.#timeout;
    for (;;) {
      // A random time, so that those who wait do not all come back at once.
      await new Promise((resolveTimer) => setTimeout(resolveTimer, 1 + Math.random() * 4));
      try {
        return work();
      } catch (error) {
        if (!isBusy(error) || performance.now() >= end) throw error;
      }
    }
  }
}

const DEFAULT_TABLE = 'oauthtoken';
const OPTIONS = ['path', 'database', 'table', 'timeout', 'synchronous'];

function tableOf({ table = DEFAULT_TABLE }: SqliteTokenStoreOptions): string {
  // Lower case: to SQLite, a name in capitals is the same name.
  if (typeof table !== 'string' || !/^[a-z_][a-z0-9_]{0,62}$/.test(table)) {
    throw invalidOption(
      'table',
      'must be 1 to 63 of a to z, 0 to 9 and _, and not begin with a digit',
    );
  }
  if (/^(?:sqlite|tokenkeep)_/.test(table)) {
    throw invalidOption(
      'table',
      'is a name that SQLite or tokenkeep keeps for itself: give another',
    );
  }
  return table;
}

function sourceOf(options: SqliteTokenStoreOptions): DatabaseSource {
  const { path, database, synchronous = 'full' } = options;
  if ((path === undefined) === (database === undefined)) {
    throw invalidOption('path', 'or the option database must be given, and not both');
  }
  if (database !== undefined) {
    if (typeof database?.prepare !== 'function' || typeof database.exec !== 'function') {
      throw invalidOption('database', 'must be a database handle of better-sqlite3 or node:sqlite');
    }
    if (options.synchronous !== undefined) {
      throw invalidOption(
        'synchronous',
        'goes with path: on a handle of yours, set the pragma yourself',
      );
    }
    return new GivenDatabase(database);
  }
  // better-sqlite3 cuts white space off a path; a file of another name would be opened.
  if (typeof path === 'string' && path.trim() !== path) {
    throw invalidOption('path', 'must not begin or end with white space');
  }
  if (!['normal', 'full', 'extra'].includes(synchronous)) {
    throw invalidOption('synchronous', "must be 'normal', 'full' or 'extra'");
  }
  return new DatabaseFile(path === ':memory:' ? path : requirePath(path), synchronous);
}
