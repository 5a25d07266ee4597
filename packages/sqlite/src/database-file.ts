import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { TokenStoreError } from '@tokenkeep/core';
import { driverCodeOf, loadDriver } from '@tokenkeep/core/adapter';
import { createPrivateFile, resolvePath } from '@tokenkeep/core/adapter/file';
import type { DatabaseSource, Synchronous } from './database-source.ts';
import { prepare, type SqliteDatabase } from './sqlite-database.ts';

/** A database file, or `:memory:`, that the store opens and closes. */
export class DatabaseFile implements DatabaseSource {
  readonly path: string;
  readonly #synchronous: Synchronous;
  #opened: { readonly path: string; readonly dev: number; readonly ino: number } | undefined;
  /** What the file was like when it was copied, where it can be read in no other way. */
  #copied: string | undefined;

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
    // Waiting is done by the store, which does not stop the whole process for it.
    const database = new Database(path, { timeout: 10 });
    if (!isOnReadOnlyDisk(path) || !isUnreadable(database)) return database;
    database.close();
    return new Database(this.#copyOf(path), { readonly: true });
  }

  configure(database: SqliteDatabase): void {
    // A cache in KiB, of which no more is taken than is read: it has room for 100,000 tokens.
    database.exec(
      `PRAGMA synchronous = ${this.#synchronous}; PRAGMA secure_delete = ON; PRAGMA cache_size = -131072`,
    );
  }

  beforeFirstTable(database: SqliteDatabase): void {
    // The file remembers it. In memory, and on file systems that can't, another mode stays.
    prepare(database, 'PRAGMA journal_mode = WAL').get();
  }

  beforeRead(): void {
    if (this.#copied === undefined || this.#opened === undefined) return;
    const { path } = this.#opened;
    if (stateOf(path) === this.#copied) return;
    throw new TokenStoreError(
      'PATH_UNUSABLE',
      `The database file ${JSON.stringify(path)} is on a file system that takes no writes here, and was changed elsewhere since it was opened. Close the store and open a new one.`,
    );
  }

  beforeCommit(): void {
    if (this.#opened === undefined) return;
    const { path, dev, ino } = this.#opened;
    // SQLite goes on writing to a file that was deleted: an acknowledged save would be lost (D1).
    const now = statSync(path, { throwIfNoEntry: false });
    if (now?.ino === ino && now.dev === dev) return;
    throw new TokenStoreError(
      'PATH_UNUSABLE',
      `The database file ${JSON.stringify(path)} was deleted or replaced while it was open. Close the store and open a new one; nothing was saved.`,
    );
  }

  close(database: SqliteDatabase): void {
    database.close();
  }

  async #createFile(): Promise<string> {
    const path = await resolvePath(this.path);
    // SQLite would make it readable for everybody. It gives -wal and -shm the same rights.
    await createPrivateFile(path);
    const { dev, ino, size } = statSync(path);
    if (size === 0) requireNoLog(path);
    this.#opened = { path, dev, ino };
    this.#copied = undefined;
    return path;
  }

  /** The database in memory, not in WAL mode any more: that is two bytes of its header. */
  #copyOf(path: string): Buffer {
    this.#copied = stateOf(path);
    const bytes = readFileSync(path);
    bytes.fill(1, 18, 20);
    return bytes;
  }
}

/** Whether the log of a database in WAL mode can't be made, without which SQLite reads nothing. */
function isUnreadable(database: SqliteDatabase): boolean {
  try {
    prepare(database, 'SELECT name FROM main.sqlite_master LIMIT 1').get();
    return false;
  } catch (error) {
    return driverCodeOf(error) === 'SQLITE_CANTOPEN';
  }
}

function isOnReadOnlyDisk(path: string): boolean {
  if (path === ':memory:') return false;
  try {
    accessSync(path, constants.W_OK);
    return false;
  } catch (error) {
    return driverCodeOf(error) === 'EROFS';
  }
}

/** Tells one content of a file from another, and whether there is a log beside it. */
function stateOf(path: string): string {
  const { mtimeNs, size, ino } = statSync(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs} ${existsSync(logOf(path))}`;
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
