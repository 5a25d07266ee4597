import { DatabaseSync } from 'node:sqlite';
import type { StoredRecord } from '@tokenkeep/core';
import {
  type Decide,
  StorageTokenStore,
  type TokenKey,
  type TokenStorage,
} from '@tokenkeep/core/adapter';

/** What the unfinished store becomes when its steps are written, in the simplest way there is. */
export class AdaStore extends StorageTokenStore {
  constructor(place: string) {
    super(new AdaStorage(place));
  }
}

class AdaStorage implements TokenStorage {
  readonly #place: string;
  #database: DatabaseSync | undefined;

  constructor(place: string) {
    this.#place = place;
  }

  open(): void {
    this.#database = new DatabaseSync(this.#place, { timeout: 10_000 });
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS record (position INTEGER PRIMARY KEY, id TEXT UNIQUE, json TEXT)',
    );
  }

  find(keys: readonly TokenKey[]): StoredRecord[] {
    return this.all().filter((record) => keys.some((key) => record[key.field] === key.value));
  }

  save(keys: readonly TokenKey[], decide: Decide): void {
    this.#sql.exec('BEGIN IMMEDIATE');
    try {
      const change = decide(this.find(keys));
      if (change !== null) {
        for (const { id } of change.absorbs) this.delete(id);
        this.#sql
          .prepare(
            'INSERT INTO record (id, json) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json',
          )
          .run(change.record.id, JSON.stringify(change.record));
      }
      this.#sql.exec('COMMIT');
    } catch (error) {
      this.#sql.exec('ROLLBACK');
      throw error;
    }
  }

  delete(id: string): void {
    this.#sql.prepare('DELETE FROM record WHERE id = ?').run(id);
  }

  all(): StoredRecord[] {
    const rows = this.#sql.prepare('SELECT json FROM record ORDER BY position').all();
    return rows.map(({ json }) => JSON.parse(String(json)));
  }

  clear(): void {
    this.#sql.exec('DELETE FROM record');
  }

  close(): void {
    this.#database?.close();
  }

  get #sql(): DatabaseSync {
    if (this.#database === undefined) throw new Error('not open');
    return this.#database;
  }
}
