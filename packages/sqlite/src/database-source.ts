import { TokenStoreError } from '@tokenkeep/core';
import type { MaybePromise } from '@tokenkeep/core/adapter';
import { prepare, type SqliteDatabase } from './sqlite-database.ts';

/** How hard SQLite makes sure that a commit is on the disk; see `PRAGMA synchronous`. */
export type Synchronous = 'normal' | 'full' | 'extra';

/** Where the handle on the database comes from, and whose it is. */
export interface DatabaseSource {
  /** The database file, where it is known. */
  readonly path: string | undefined;
  /** A handle that was not used yet. */
  open(): MaybePromise<SqliteDatabase>;
  /**
   * Sets what holds for the handle and not for the database. Called again after another connection
   * was in the way: even a pragma may have to read.
   */
  configure(database: SqliteDatabase): void;
  /** Called once before the first table is made. */
  beforeFirstTable(database: SqliteDatabase): void;
  /** Called before a read: throws if it would not see what was saved meanwhile. */
  beforeRead(): void;
  /** Called before a commit: throws if what is written now would not be found again. */
  beforeCommit(): void;
  /** Undoes what `open()` did. */
  close(database: SqliteDatabase): void;
}

/** How many stores use a handle that was handed in, and what `secure_delete` was before them. */
const shared = new WeakMap<SqliteDatabase, { stores: number; readonly secureDelete: number }>();

/** A handle that the caller opened and closes. */
export class GivenDatabase implements DatabaseSource {
  readonly path: undefined;
  readonly #database: SqliteDatabase;
  #isCounted = false;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  open(): SqliteDatabase {
    return this.#database;
  }

  configure(database: SqliteDatabase): void {
    requireWholeStrings(database);
    const use = shared.get(database) ?? { stores: 0, secureDelete: secureDeleteOf(database) };
    database.exec('PRAGMA main.secure_delete = ON');
    use.stores += 1;
    shared.set(database, use);
    this.#isCounted = true;
  }

  beforeFirstTable(): void {
    // The journal mode is the owner's choice.
  }

  beforeRead(): void {}

  beforeCommit(): void {}

  close(database: SqliteDatabase): void {
    const use = shared.get(database);
    if (use === undefined || !this.#isCounted) return;
    this.#isCounted = false;
    use.stores -= 1;
    if (use.stores > 0) return;
    shared.delete(database);
    try {
      database.exec(`PRAGMA main.secure_delete = ${SECURE_DELETE[use.secureDelete] ?? 'ON'}`);
    } catch {
      // The owner closed the handle before the store, and with it the setting is gone.
    }
  }
}

/** What the pragma takes for what it gives: a number that it is given is on or off. */
const SECURE_DELETE = ['OFF', 'ON', 'FAST'] as const;

/** A place in {@link SECURE_DELETE}. */
function secureDeleteOf(database: SqliteDatabase): number {
  const row = prepare(database, 'PRAGMA main.secure_delete').get();
  return Number((row as { secure_delete?: unknown } | undefined)?.secure_delete ?? 0);
}

/** `node:sqlite` of Node 22 cuts what it reads at the first NUL (contract T4). */
function requireWholeStrings(database: SqliteDatabase): void {
  const row = prepare(database, "SELECT 'a' || char(0) || 'b' AS text").get();
  if ((row as { text?: unknown }).text === 'a\0b') return;
  throw new TokenStoreError(
    'INVALID_OPTION',
    'The driver of this database handle cuts strings at a NUL. Give a handle of better-sqlite3, or of node:sqlite in Node 24 or later.',
  );
}
