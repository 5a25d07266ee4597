import type { OAuthToken } from '../token/oauth-token.ts';
import type { TokenInit } from '../token/token-fields.ts';

declare global {
  // As `lib.esnext.disposable` has them: whoever compiles for an older target lacks that.
  interface SymbolConstructor {
    readonly asyncDispose: unique symbol;
  }
  interface AsyncDisposable {
    [Symbol.asyncDispose](): PromiseLike<void>;
  }
}

/** A field that a save can make absent, see {@link SaveOptions.clear}. */
export type ClearableField = Exclude<keyof TokenInit, 'id' | 'version' | 'expiresIn'>;

/** How to save. */
export interface SaveOptions {
  /**
   * Save only if the matching record has this version; 0: only if there is none (contract V2).
   */
  readonly ifVersion?: number;
  /**
   * `true`: update only, and never add, so that what was deleted meanwhile does not come back
   * (contract V5).
   *
   * @default false
   */
  readonly ifExists?: boolean;
  /** Fields that are made absent in the record that is updated (contract C18). */
  readonly clear?: readonly ClearableField[];
}

/** How to delete. */
export interface DeleteOptions {
  /** Delete only if the record has this version (contract V4). */
  readonly ifVersion?: number;
}

/**
 * Keeps OAuth tokens. What each method promises is in the contract, clause by clause.
 *
 * Every method rejects with a `TokenStoreError` and with nothing else (contract C14).
 */
export interface TokenStore extends AsyncDisposable {
  /** The matching record, or `null` (contract M1 to M4, C1). */
  findToken(token: OAuthToken): Promise<OAuthToken | null>;
  /** The record with this id, or `null` (contract C2). */
  findTokenById(id: string): Promise<OAuthToken | null>;
  /** Updates the matching record, or adds one; gives it as stored (contract C3 to C7, C18). */
  saveToken(token: OAuthToken, options?: SaveOptions): Promise<OAuthToken>;
  /** Removes the record with this id, if there is one (contract C9, V4). */
  deleteToken(id: string, options?: DeleteOptions): Promise<void>;
  /** Every record, in the order in which they were first saved (contract C10). */
  getTokens(): Promise<OAuthToken[]>;
  /**
   * Every record, in the order of `getTokens`, in memory that does not grow with their number.
   * There in stores that declare the capability `iterable`, ours among them (contract I1, I2).
   */
  tokens?(): AsyncIterable<OAuthToken>;
  /** Removes every record that was saved before it began (contract C11). */
  deleteTokens(): Promise<void>;
  /** Frees what the store opened, after calls in flight have ended (contract C17). */
  close(): Promise<void>;
}
