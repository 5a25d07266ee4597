import type { TokenStoreError } from '../errors.ts';
import type { TokenKey } from '../rules/matching.ts';
import type { SavePlan } from '../rules/save-plan.ts';
import type { StoredRecord } from '../token/token-fields.ts';

/** A value, or a promise of it. */
export type MaybePromise<T> = T | PromiseLike<T>;

/**
 * Decides what to write, from every record that has the value of at least one of the keys.
 *
 * A plan without a change: write nothing. It may throw; then nothing is written either and the error
 * goes on to the caller. It may be called again, with newer records, until what it decided on was
 * still true at the moment of writing.
 *
 * @param deletedVersion the highest version of a record that was deleted or absorbed, or 0: a record
 *   that is added under an id that was used before begins above it (contract V1). It is only needed
 *   where an id is among the keys and no record has it
 */
export type Decide = (candidates: readonly StoredRecord[], deletedVersion?: number) => SavePlan;

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
  /**
   * Reads as `find` does, decides, and writes what was decided, as one step (contract A1 to A5).
   *
   * @returns the plan that was carried out, as `decide` gave it
   */
  save(keys: readonly TokenKey[], decide: Decide): MaybePromise<SavePlan>;
  /**
   * Removes the record with this id, if there is one.
   *
   * @param ifVersion only if it has this version: see `refuseOtherVersion` (contract V4)
   */
  delete(id: string, ifVersion: number | undefined): MaybePromise<void>;
  /**
   * Every record, in the order in which they were first saved, some at a time (contract I1, I2).
   * Nothing that makes other calls wait is held from one to the next.
   */
  pages(): Iterable<readonly StoredRecord[]> | AsyncIterable<readonly StoredRecord[]>;
  /** Removes every record that was there when it was called. */
  clear(): MaybePromise<void>;
  /** Frees what `open()` opened. Only called if it was called. */
  close(): MaybePromise<void>;
  /** The driver's error in our terms; `undefined` for one that it does not know. */
  translateError?(error: unknown): TokenStoreError | undefined;
}
