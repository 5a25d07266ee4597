import { existsSync, readFileSync, statSync } from 'node:fs';
import { TokenStoreError } from '@tokenkeep/core';
import { loadDriver } from '@tokenkeep/core/adapter';
import {
  createPrivateFile,
  identityOf,
  resolvePath,
  stampOf,
  whyNotWritable,
} from '@tokenkeep/core/adapter/file';
import type { DatabaseSource } from './database-source.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** How hard SQLite makes sure that a commit is on the disk; see `PRAGMA synchronous`. */
export type Synchronous = 'normal' | 'full' | 'extra';

/** A database file, or `:memory:`, that the store opens and closes. */
export class DatabaseFile implements DatabaseSource {
  readonly path: string;
  readonly #synchronous: Synchronous;
  /** What is read: a copy in memory, where the file can be read in no other way. */
  #isCopy = false;
  /** Whether nothing is in the file yet. */
  #isNew = false;
  #opened: { readonly path: string; readonly state: string | undefined } | undefined;

  constructor(path: string, synchronous: Synchronous) {
    this.path = path;
    this.#synchronous = synchronous;
  }

  async open(): Promise<SqliteDatabase> {
    const path = this.path === ':memory:' ? this.path : await this.#createFile();
    const Database = await loadDriver('better-sqlite3', async () => {
      const { default: driver } = await import('better-sqlite3');
      // The first database loads the native part.
      new driver(':memory:').close();
      return driver;
    });
    if (this.#isCopy) return new Database(withoutLog(readFileSync(path)), { readonly: true });
    // Waiting is done by the store, which does not stop the whole process for it.
    const database = new Database(path, { timeout: 5 });
    try {
      // A cache in KiB, of which no more is taken than is read: it has room for 100,000 tokens.
      database.exec(
        `PRAGMA synchronous = ${this.#synchronous}; PRAGMA secure_delete = ON; PRAGMA cache_size = -131072`,
      );
      // The file remembers it. One that another program has made stays as that has made it.
      if (this.#isNew) database.exec('PRAGMA journal_mode = WAL');
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  }

  beforeUse(use: 'read' | 'commit'): void {
    // What is read from the file itself is what is there.
    if (this.#opened === undefined || (use === 'read' && !this.#isCopy)) return;
    const { path, state } = this.#opened;
    // SQLite goes on writing to a file that was deleted: an acknowledged save would be lost (D1).
    if (stateOf(path, this.#isCopy) === state) return;
    throw new TokenStoreError(
      'PATH_UNUSABLE',
      `The database file ${JSON.stringify(path)} was deleted or replaced while it was open, or changed elsewhere while it takes no writes here. Close the store and open a new one; nothing was saved.`,
    );
  }

  close(database: SqliteDatabase): void {
    database.close();
  }

  async #createFile(): Promise<string> {
    const path = await resolvePath(this.path);
    // SQLite would make it readable for everybody. It gives -wal and -shm the same rights.
    await createPrivateFile(path);
    this.#isNew = statSync(path).size === 0;
    if (this.#isNew) requireNoLog(path);
    this.#isCopy = !existsSync(logOf(path)) && (await whyNotWritable(path)) === 'EROFS';
    this.#opened = { path, state: stateOf(path, this.#isCopy) };
    return path;
  }
}

/** In WAL mode SQLite reads nothing where it can't make a log. The mode is two bytes of the header. */
function withoutLog(database: Buffer): Buffer {
  return database.fill(1, 18, 20);
}

/** Of a copy the content counts, and the log that somebody else may have begun. */
function stateOf(path: string, isCopy: boolean): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  if (found === undefined) return undefined;
  return isCopy ? `${stampOf(found)} ${existsSync(logOf(path))}` : identityOf(found);
}

/**
 * SQLite takes an empty file for a new database, and deletes the log beside it, in which all of what
 * was saved may stand.
 */
function requireNoLog(path: string): void {
  const log = statSync(logOf(path), { throwIfNoEntry: false });
  if (log === undefined || log.size === 0) return;
  throw new TokenStoreError(
    'RECORD_CORRUPT',
    `The file ${JSON.stringify(path)} is empty, and ${JSON.stringify(logOf(path))} is not: it was cut off. Restore it from a backup, or delete both and log in again; they were left as they are.`,
  );
}

function logOf(path: string): string {
  return `${path}-wal`;
}
