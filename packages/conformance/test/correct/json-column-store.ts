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
    return mutex.wait(async () => this.#load().records);
  }

  change<T>(work: (records: StoredRecord[]) => T | Promise<T>): Promise<T> {
    return mutex.wait(async () => {
      const { records } = this.#load();
      const before = JSON.stringify(this.#document);
      const result = await work(records);
      const after = JSON.stringify({ ...this.#document, records });
      if (after !== before) this.#write(after);
      return result;
    });
  }

  overwrite(records: StoredRecord[]): void {
    this.#write(JSON.stringify({ ...this.#document, records }));
  }

  close(): void {
    this.#database.close();
  }

  #load(): Document {
    const row = this.#database.prepare('SELECT json FROM kept').get();
    this.#document =
      row === undefined ? { ...EMPTY, records: [] } : JSON.parse(String(row['json']));
    return this.#document;
  }

  #write(json: string): void {
    this.#database.exec('BEGIN; DELETE FROM kept');
    this.#database.prepare('INSERT INTO kept VALUES (?)').run(json);
    this.#database.exec('COMMIT');
  }
}

/** A store that keeps a JSON column. */
export function jsonColumnStore(path: string): TokenStore {
  return new PlainTokenStore(new JsonColumn(path));
}
