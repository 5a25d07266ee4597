import { DatabaseSync } from 'node:sqlite';
import type { StoredRecord } from '@tokenkeep/core';

/** Where a {@link PlainTokenStore} keeps its records: a list that is read and written as a whole. */
export interface Shelf {
  read(): Promise<StoredRecord[]>;
  /** Lets nothing come between reading and writing. Nothing is written if the work fails. */
  change<T>(work: (records: StoredRecord[]) => T | Promise<T>): Promise<T>;
  /** Writes whatever was there before. */
  overwrite(records: StoredRecord[]): void;
  close(): void;
}

/** Lets others run: what is read before may be old afterwards. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** A list in memory. Records are replaced, never changed, so that a copy of the list is enough. */
export class MemoryShelf implements Shelf {
  records: StoredRecord[] = [];
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

/** A list in a SQLite file, which other processes may use too. */
export class FileShelf implements Shelf {
  readonly #database: DatabaseSync;
  readonly #line = new Line();

  constructor(path: string, create = 'CREATE TABLE IF NOT EXISTS shelf (records TEXT)') {
    this.#database = new DatabaseSync(path);
    this.#database.exec(`PRAGMA busy_timeout = 10000; ${create}`);
  }

  async read(): Promise<StoredRecord[]> {
    return this.#line.wait(async () => this.#read());
  }

  change<T>(work: (records: StoredRecord[]) => T | Promise<T>): Promise<T> {
    return this.#line.wait(async () => {
      this.#database.exec('BEGIN IMMEDIATE');
      try {
        const records = this.#read();
        const result = work(records);
        // Another handle of this process would wait for the lock, and this one for its turn.
        if (result instanceof Promise) throw new Error('a file is changed in one go');
        this.overwrite(records);
        this.#database.exec('COMMIT');
        return result;
      } catch (error) {
        this.#database.exec('ROLLBACK');
        throw error;
      }
    });
  }

  overwrite(records: StoredRecord[]): void {
    this.#database.exec('DELETE FROM shelf');
    this.#database.prepare('INSERT INTO shelf VALUES (?)').run(JSON.stringify(records));
  }

  close(): void {
    this.#database.close();
  }

  #read(): StoredRecord[] {
    const row = this.#database.prepare('SELECT records FROM shelf').get();
    return typeof row?.['records'] === 'string' ? JSON.parse(row['records']) : [];
  }
}

/** One work at a time, in the order in which they came. */
class Line {
  #last: Promise<unknown> = Promise.resolve();

  wait<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(work);
    this.#last = turn.catch(() => undefined);
    return turn;
  }
}
