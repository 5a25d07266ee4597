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

/** Whether somebody has begun a transaction on this handle. */
export function isInTransaction(database: SqliteDatabase): boolean {
  return database.inTransaction ?? database.isTransaction ?? false;
}
