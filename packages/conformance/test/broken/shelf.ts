import { DatabaseSync } from 'node:sqlite';
import type { StoredRecord } from '@tokenkeep/core';

/** Where a {@link PlainTokenStore} keeps its records: a list that is read and written as a whole. */
export interface Shelf {
  read(): Promise<StoredRecord[]>;
  /** Lets nothing come between reading and writing. Nothing is written if the work fails. */
  change<T>(work: (records: StoredRecord[]) => T | Promise<T>): Promise<T>;
  /** The highest version of a record that was removed: a new one under its id begins above it (V1). */
  removedVersion: number;
  /** Writes whatever was there before. */
  overwrite(records: StoredRecord[]): void;
  close(): void;
}

/** The table of a {@link FileShelf}. */
export const TABLE = 'shelf (place INTEGER PRIMARY KEY, record TEXT)';

/** Lets others run: what is read before may be old afterwards. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A list in memory. Records are replaced, never changed, so that a copy of the list is enough. */
export class MemoryShelf implements Shelf {
  records: StoredRecord[] = [];
  removedVersion = 0;
  readonly #line = new Line();

  async read(): Promise<StoredRecord[]> {
    await pause();
    return [...this.records];
  }

  change<T>(work: (records: StoredRecord[]) => T | Promise<T>): Promise<T> {
    return this.#line.wait(async () => {
      const records = await this.read();
      const result = await work(records);
      await pause();
      this.overwrite(records);
      return result;
    });
  }

  overwrite(records: StoredRecord[]): void {
    this.records = [...records];
  }

  close(): void {}
}

/** A list in a SQLite file, a row for each place in it, which other processes may use too. */
export class FileShelf implements Shelf {
  readonly #path: string;
  readonly #create: string;
  readonly #line = new Line();
  #opened: DatabaseSync | undefined;
  /** The list as it was last read or written here, and the version of the file then. */
  #known: { readonly records: readonly StoredRecord[]; readonly version: unknown } | undefined;

  constructor(path: string, create = `CREATE TABLE IF NOT EXISTS ${TABLE}`) {
    this.#path = path;
    this.#create = create;
  }

  /** Opened by the first call, which can reject, and not by the constructor. */
  get #database(): DatabaseSync {
    if (this.#opened !== undefined) return this.#opened;
    const database = new DatabaseSync(this.#path);
    try {
      // Not synchronous: what is written outlives the process, if not a failure of power.
      database.exec(`PRAGMA busy_timeout = 10000; PRAGMA synchronous = OFF; ${this.#create}`);
    } catch (error) {
      database.close();
      throw error;
    }
    this.#opened = database;
    return database;
  }

  /** Kept in the header of the file, and written by the transaction that is on. */
  get removedVersion(): number {
    return Number(this.#database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
  }

  set removedVersion(version: number) {
    this.#database.exec(`PRAGMA user_version = ${version}`);
  }

  async read(): Promise<StoredRecord[]> {
    return this.#line.wait(async () => this.#read());
  }

  change<T>(work: (records: StoredRecord[]) => T | Promise<T>): Promise<T> {
    return this.#line.wait(async () =>
      this.#inTransaction(() => {
        const records = this.#read();
        const result = work(records);
        // Another handle of this process would wait for the lock, and this one for its turn.
        if (result instanceof Promise) throw new Error('a file is changed in one go');
        this.overwrite(records);
        return result;
      }),
    );
  }

  overwrite(records: StoredRecord[]): void {
    const write = (): void => {
      const before = this.#read();
      const put = this.#database.prepare('INSERT OR REPLACE INTO shelf VALUES (?, ?)');
      for (const [place, record] of records.entries()) {
        if (record !== before[place]) put.run(place, JSON.stringify(record));
      }
      this.#database.prepare('DELETE FROM shelf WHERE place >= ?').run(records.length);
      this.#known = { records: [...records], version: this.#version() };
    };
    if (this.#database.isTransaction) write();
    else this.#inTransaction(write);
  }

  close(): void {
    this.#opened?.close();
  }

  #inTransaction<T>(work: () => T): T {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#database.exec('COMMIT');
      return result;
    } catch (error) {
      this.#known = undefined;
      this.#database.exec('ROLLBACK');
      throw error;
    }
  }

  #read(): StoredRecord[] {
    const version = this.#version();
    if (this.#known?.version !== version) {
      const rows = this.#database.prepare('SELECT record FROM shelf ORDER BY place').all();
      this.#known = { records: rows.map((row) => JSON.parse(String(row['record']))), version };
    }
    return [...(this.#known?.records ?? [])];
  }

  /** A number that is another one when somebody else has written. */
  #version(): unknown {
    return this.#database.prepare('PRAGMA data_version').get()?.['data_version'];
  }
}

/** One work at a time, in the order in which they came. */
export class Line {
  #last: Promise<unknown> = Promise.resolve();

  wait<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
