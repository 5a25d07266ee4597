import { TokenStoreError } from '@tokenkeep/core';
import {
  isInTransaction,
  prepare,
  type SqliteDatabase,
  type SqliteStatement,
} from './sqlite-database.ts';

/** A transaction that has the right to write from its beginning, so that what it read stays true. */
export class ImmediateTransaction {
  readonly #database: SqliteDatabase;
  readonly #begin: SqliteStatement;
  readonly #commit: SqliteStatement;
  readonly #rollback: SqliteStatement;

  constructor(database: SqliteDatabase) {
    this.#database = database;
    this.#begin = prepare(database, 'BEGIN IMMEDIATE');
    this.#commit = prepare(database, 'COMMIT');
    this.#rollback = prepare(database, 'ROLLBACK');
  }

  /** Does the work and commits it; rolls it back if either fails. */
  run(work: () => void): void {
    this.#enter();
    try {
      work();
      this.#commit.run();
    } catch (error) {
      this.#leave();
      throw error;
    }
  }

  #enter(): void {
    try {
      this.#begin.run();
    } catch (error) {
      if (!isInTransaction(this.#database)) throw error;
      // To join it would acknowledge saves that the owner may roll back (contract D1).
      throw new TokenStoreError(
        'STORE_BUSY',
        'The database handle is in a transaction that its owner began. End that first, or give the store a handle of its own.',
        { retryable: true },
      );
    }
  }

  #leave(): void {
    try {
      this.#rollback.run();
    } catch {
      // After a full disk and some other faults SQLite has rolled back by itself.
    }
  }
}
