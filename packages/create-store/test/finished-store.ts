import { DatabaseSync } from 'node:sqlite';
import type { StoredRecord } from '@tokenkeep/core';
import {
  type Decide,
  refuseOtherVersion,
  type SavePlan,
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
    // Not synchronous: what is written outlives the process, if not a failure of power.
    this.#sql.exec(
      `PRAGMA synchronous = OFF;
       CREATE TABLE IF NOT EXISTS record (position INTEGER PRIMARY KEY, id TEXT UNIQUE, json TEXT);
       CREATE TABLE IF NOT EXISTS deleted (one INTEGER PRIMARY KEY, version INTEGER)`,
    );
  }

  find(keys: readonly TokenKey[]): StoredRecord[] {
    const texts = keys.map(({ value }) => JSON.stringify(value));
    const condition = ['false', ...texts.map(() => 'instr(json, ?)')].join(' OR ');
    return this.#read(`WHERE ${condition} ORDER BY position`, texts)
      .map(({ record }) => record)
      .filter((record) => keys.some((key) => record[key.field] === key.value));
  }

  save(keys: readonly TokenKey[], decide: Decide): SavePlan {
    return this.#inTransaction(() => {
      const plan = decide(this.find(keys), this.#deletedVersion());
      if (plan.change === undefined) return plan;
      const { record, absorbs } = plan.change;
      for (const absorbed of absorbs) this.#remove(absorbed);
      this.#sql
        .prepare(
          'INSERT INTO record (id, json) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET json = excluded.json',
        )
        .run(record.id, JSON.stringify(record));
      return plan;
    });
  }

  delete(id: string, ifVersion: number | undefined): void {
    this.#inTransaction(() => {
      const record = this.#read('WHERE id = ?', [id])[0]?.record ?? null;
      refuseOtherVersion(record, { ifVersion });
      if (record !== null) this.#remove(record);
    });
  }

  *pages(): Iterable<StoredRecord[]> {
    for (let last = 0; ; ) {
      const rows = this.#read('WHERE position > ? ORDER BY position LIMIT 100', [last]);
      if (rows.length === 0) return;
      yield rows.map(({ record }) => record);
      last = rows.at(-1)?.position ?? 0;
    }
  }

  clear(): void {
    this.#inTransaction(() => {
      for (const { record } of this.#read('', [])) this.#remove(record);
    });
  }

  close(): void {
    this.#database?.close();
  }

  #read(which: string, values: (string | number)[]): { record: StoredRecord; position: number }[] {
    const rows = this.#sql.prepare(`SELECT json, position FROM record ${which}`).all(...values);
    return rows.map(({ json, position }) => ({
      record: JSON.parse(String(json)),
      position: Number(position),
    }));
  }

  #remove({ id, version }: StoredRecord): void {
    this.#sql.prepare('DELETE FROM record WHERE id = ?').run(id);
    this.#sql
      .prepare('INSERT OR REPLACE INTO deleted (one, version) VALUES (1, ?)')
      .run(Math.max(version, this.#deletedVersion()));
  }

  #deletedVersion(): number {
    return Number(this.#sql.prepare('SELECT version FROM deleted').get()?.['version'] ?? 0);
  }

  #inTransaction<T>(work: () => T): T {
    this.#sql.exec('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#sql.exec('COMMIT');
      return result;
    } catch (error) {
      this.#sql.exec('ROLLBACK');
      throw error;
    }
  }

  get #sql(): DatabaseSync {
    if (this.#database === undefined) throw new Error('not open');
    return this.#database;
  }
}
