import type { OAuthToken } from './oauth-token.ts';

/** How to save. */
export interface SaveOptions {
  /**
   * Save only if the record that is meant has this version; 0: only if there is none (contract V2).
   */
  readonly ifVersion?: number;
}

/**
 * Keeps OAuth tokens. What each method promises is in the contract, clause by clause.
 *
 * Every method rejects with a `TokenStoreError` and with nothing else (contract C14).
 */
export interface TokenStore extends AsyncDisposable {
  /** The record that the token means, or `null` (contract M1 to M4, C1). */
  findToken(token: OAuthToken): Promise<OAuthToken | null>;
  /** The record with this id, or `null` (contract C2). */
  findTokenById(id: string): Promise<OAuthToken | null>;
  /** Updates the record that the token means, or adds one; gives it as stored (contract C3 to C7). */
  saveToken(token: OAuthToken, options?: SaveOptions): Promise<OAuthToken>;
  /** Removes the record with this id, if there is one (contract C9). */
  deleteToken(id: string): Promise<void>;
  /** Every record, in the order in which they were first saved (contract C10). */
  getTokens(): Promise<OAuthToken[]>;
  /** Removes every record (contract C11). */
  deleteTokens(): Promise<void>;
  /** Frees what the store opened, after calls in flight have ended (contract C17). */
  close(): Promise<void>;
}
