import { TokenStoreError } from '@tokenkeep/core';

/** What is bound to a statement. */
export type SqliteValue = string | number | null;

/** What is used of a prepared statement of better-sqlite3, or of `node:sqlite`. */
export interface SqliteStatement {
  run(...values: SqliteValue[]): unknown;
  get(...values: SqliteValue[]): unknown;
  all(...values: SqliteValue[]): unknown[];
}

/** What is used of a database handle: a `Database` of better-sqlite3, a `DatabaseSync` of `node:sqlite`. */
export interface SqliteDatabase {
  /** Whether a transaction is open: its name in better-sqlite3. */
  readonly inTransaction?: boolean;
  /** Whether a transaction is open: its name in `node:sqlite`. */
  readonly isTransaction?: boolean;
  prepare(sql: string): SqliteStatement;
  exec(sql: string): unknown;
  close(): unknown;
}

/** Prepares a statement that gives rows as objects and integers as numbers, whatever the handle's default is. */
export function prepare(database: SqliteDatabase, sql: string): SqliteStatement {
  const statement: SqliteStatement & {
    safeIntegers?: (on: boolean) => unknown;
    setReadBigInts?: (on: boolean) => unknown;
    setReturnArrays?: (on: boolean) => unknown;
  } = database.prepare(sql);
  // better-sqlite3 has the one and throws if the statement gives no rows, node:sqlite has the other.
  if (/^(?:SELECT|PRAGMA|EXPLAIN)/.test(sql)) statement.safeIntegers?.(false);
  statement.setReadBigInts?.(false);
  statement.setReturnArrays?.(false);
  return statement;
}

/**
 * Does the work in a transaction that has the right to write from its beginning, so that what it
 * read stays true; rolls it back if the work or the commit fails.
 */
export function inTransaction(database: SqliteDatabase, work: () => void): void {
  if (isInTransaction(database)) {
    // To join it would acknowledge saves that the owner may roll back (contract D1).
    throw new TokenStoreError(
      'STORE_BUSY',
      'The database handle is in a transaction that its owner began. End that first, or give the store a handle of its own.',
    );
  }
  database.exec('BEGIN IMMEDIATE');
  try {
    work();
    database.exec('COMMIT');
  } catch (error) {
    try {
      database.exec('ROLLBACK');
    } catch {
      // After a full disk and some other faults SQLite has rolled back by itself.
    }
    throw error;
  }
}

/** Reads the database as it is at one moment, however many statements that takes. */
export function inSnapshot<T>(database: SqliteDatabase, read: () => T): T {
  if (isInTransaction(database)) return read();
  database.exec('BEGIN');
  try {
    return read();
  } finally {
    database.exec('COMMIT');
  }
}

function isInTransaction({ inTransaction: inOne, isTransaction }: SqliteDatabase): boolean {
  return inOne ?? isTransaction ?? false;
}
