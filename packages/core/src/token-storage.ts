import type { TokenStoreError } from './errors.ts';
import type { TokenKey } from './matching.ts';
import type { StoredRecord } from './oauth-token.ts';
import type { RecordChange } from './save-plan.ts';

/** A value, or a promise of it. */
export type MaybePromise<T> = T | PromiseLike<T>;

/**
 * Decides what to write, from every record that has the value of at least one of the keys.
 *
 * `null`: write nothing. It may throw; then nothing is written either and the error goes on to the
 * caller. It may be called again, with newer records, until what it decided on was still true at
 * the moment of writing.
 */
export type Decide = (candidates: readonly StoredRecord[]) => RecordChange | null;

/**
 * Where records are kept: the part of a store that differs from one database to the next.
 * {@link StorageTokenStore} makes a `TokenStore` of it.
 *
 * A method is never called before `open()` has ended well, nor after `close()`. What it throws goes
 * through `translateError`. Fields that are absent may be `null` or `undefined`.
 */
export interface TokenStorage {
  /** Connects, and creates what is needed. Called again after it failed. */
  open(): MaybePromise<void>;
  /** Every record that has the value of at least one of the keys: all read at one moment. */
  find(keys: readonly TokenKey[]): MaybePromise<readonly StoredRecord[]>;
  /** Reads as `find` does, decides, and writes what was decided, as one step (contract A1 to A5). */
  save(keys: readonly TokenKey[], decide: Decide): MaybePromise<void>;
  /** Removes the record with this id, if there is one. */
  delete(id: string): MaybePromise<void>;
  /** Every record, in the order in which they were first saved. */
  all(): MaybePromise<readonly StoredRecord[]>;
  /** Removes every record. */
  clear(): MaybePromise<void>;
  /** Frees what `open()` opened. Only called if it was called. */
  close(): MaybePromise<void>;
  /** The driver's error in our terms; `undefined` for one that it does not know. */
  translateError?(error: unknown): TokenStoreError | undefined;
}
