import { DatabaseSync } from 'node:sqlite';
import type { StoredRecord, TokenStore } from '@tokenkeep/core';
import { PlainTokenStore } from '../broken/plain-token-store.ts';
import { Line, type Shelf } from '../broken/shelf.ts';

/** What stands in the one column of the one row. */
interface Document {
  readonly records: StoredRecord[];
  readonly removedVersion: number;
}

const EMPTY: Document = { records: [], removedVersion: 0 };
/** One at a time in the whole process: a mutex. */
const mutex = new Line();

/** All records in one JSON column, and a mutex around whatever changes it. */
class JsonColumn implements Shelf {
  readonly #database: DatabaseSync;
  #document: Document = EMPTY;
  #version: unknown;

  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec('PRAGMA synchronous = OFF; CREATE TABLE IF NOT EXISTS kept (json TEXT)');
  }

  get removedVersion(): number {
    return this.#document.removedVersion;
  }

  set removedVersion(version: number) {
    this.#document = { ...this.#document, removedVersion: version };
  }

  async read(): Promise<StoredRecord[]> {
    return mutex.wait(async () => [...this.#load().records]);
  }

  change<T>(work: (records: StoredRecord[]) => T | Promise<T>): Promise<T> {
    return mutex.wait(async () => {
      const before = this.#load().records;
      const records = [...before];
      const result = await work(records);
      const isSame =
        records.length === before.length && records.every((one, at) => one === before[at]);
      if (!isSame) this.overwrite(records);
      return result;
    });
  }

  overwrite(records: StoredRecord[]): void {
    this.#document = { ...this.#document, records: [...records] };
    this.#database.exec('BEGIN; DELETE FROM kept');
    this.#database.prepare('INSERT INTO kept VALUES (?)').run(JSON.stringify(this.#document));
    this.#database.exec('COMMIT');
  }

  close(): void {
    this.#database.close();
  }

  /** The document, read anew where another handle has written. */
  #load(): Document {
    const version = this.#database.prepare('PRAGMA data_version').get()?.['data_version'];
    if (version === this.#version) return this.#document;
    const row = this.#database.prepare('SELECT json FROM kept').get();
    this.#document = row === undefined ? EMPTY : JSON.parse(String(row['json']));
    this.#version = version;
    return this.#document;
  }
}

/** A store that keeps a JSON column. */
export function jsonColumnStore(path: string): TokenStore {
  return new PlainTokenStore(new JsonColumn(path));
}
