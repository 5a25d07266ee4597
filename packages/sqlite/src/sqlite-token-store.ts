import {
  invalidOption,
  refuseTogether,
  requireKnownOptions,
  requireTableName,
  requireTimeout,
  StorageTokenStore,
} from '@tokenkeep/core/adapter';
import { requirePath } from '@tokenkeep/core/adapter/file';
import { DatabaseFile, type Synchronous } from './database-file.ts';
import { type DatabaseSource, givenDatabase } from './database-source.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { SqliteStorage } from './sqlite-storage.ts';

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
   * settings stay as they are, but for `secure_delete`, which is turned on.
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
    requireKnownOptions(
      'SqliteTokenStore',
      options,
      ['path', 'database', 'table', 'timeout', 'synchronous'],
      "{ path: './tokens.db' }",
    );
    const timeout = requireTimeout(options.timeout ?? 30_000, 0);
    const reserved = /^(?:sqlite|tokenkeep)_/;
    const table = requireTableName('table', options.table ?? 'oauthtoken', reserved, 63);
    super(new SqliteStorage(sourceOf(options), table, timeout));
  }
}

function sourceOf(options: SqliteTokenStoreOptions): DatabaseSource {
  const { path, database, synchronous = 'full' } = options;
  refuseTogether(options, 'database', 'path', 'synchronous');
  if (database !== undefined) {
    if (typeof database?.prepare !== 'function' || typeof database.exec !== 'function') {
      throw invalidOption('database', 'must be a database handle of better-sqlite3 or node:sqlite');
    }
    return givenDatabase(database);
  }
  if (path === undefined) throw invalidOption('path', 'or the option database must be given');
  // better-sqlite3 cuts white space off a path; a file of another name would be opened.
  if (typeof path === 'string' && path.trim() !== path) {
    throw invalidOption('path', 'must not begin or end with white space');
  }
  if (!['normal', 'full', 'extra'].includes(synchronous)) {
    throw invalidOption('synchronous', "must be 'normal', 'full' or 'extra'");
  }
  return new DatabaseFile(path === ':memory:' ? path : requirePath(path), synchronous);
}
