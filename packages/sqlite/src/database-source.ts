import { TokenStoreError } from '@tokenkeep/core';
import type { MaybePromise } from '@tokenkeep/core/adapter';
import { prepare, type SqliteDatabase } from './sqlite-database.ts';

/** Where the handle on the database comes from, and whose it is. */
export interface DatabaseSource {
  /** The database file, where it is known. */
  readonly path?: string;
  /** A handle with the settings that it needs. Called again where another connection was in the way. */
  open(): MaybePromise<SqliteDatabase>;
  /** Called before a read, or before a commit: throws if one would not find what the other saved. */
  beforeUse?(use: 'read' | 'commit'): void;
  /** Undoes what `open()` did. */
  close?(database: SqliteDatabase): void;
}

/** A handle that the caller opened and closes, and whose journal mode is the caller's choice. */
export function givenDatabase(database: SqliteDatabase): DatabaseSource {
  return {
    open() {
      requireWholeStrings(database);
      database.exec('PRAGMA main.secure_delete = ON');
      return database;
    },
  };
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
