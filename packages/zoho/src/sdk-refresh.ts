import { setTimeout as delay } from 'node:timers/promises';
import {
  ERROR_CODES,
  type OAuthToken,
  type TokenStore,
  TokenStoreError,
  type TokenStoreErrorCode,
} from '@tokenkeep/core';
import {
  type RefreshContext,
  type Refresher,
  TokenKeeper,
  TokenKeeperError,
  TokenNotSavedError,
} from '@tokenkeep/keeper';
import { saveUnnamed } from './save-changes.ts';
import { fromSdkToken, toSdkToken } from './sdk-token.ts';
import { ZohoSaveError } from './zoho-save-error.ts';
import type { ZohoOAuthToken, ZohoSdk } from './zoho-sdk.ts';

/** The methods by which the SDKs get access tokens; private ones, so not in their types. */
type Renewal = 'refreshAccessToken' | 'generateAccessToken';

/**
 * Has the SDK's own requests to the accounts server done once, in whatever number of processes: for
 * a refresh token or a grant token that several hold, one asks, and the others get what it got.
 */
export class SdkRefresh<Token extends ZohoOAuthToken> {
  readonly #store: TokenStore;
  readonly #sdk: ZohoSdk<Token>;
  readonly #keeper: TokenKeeper;
  readonly #retryDelays: readonly number[];
  /** The address of the accounts server that the SDK gave, by the id of the record. */
  readonly #urls = new Map<string, string>();
  /** What the SDK threw, by the id of the record: what its user gets to see. */
  readonly #exceptions = new Map<string, unknown>();

  constructor(
    store: TokenStore,
    sdk: ZohoSdk<Token>,
    options: { readonly retryDelays: readonly number[]; readonly timeLimit?: number | undefined },
  ) {
    this.#store = store;
    this.#sdk = sdk;
    this.#retryDelays = options.retryDelays;
    const ask = (record: OAuthToken): Promise<OAuthToken> => this.#ask(record);
    const revoke = (record: OAuthToken, context: RefreshContext): Promise<void> =>
      this.#revoke(record, context);
    const refresh: Refresher = Object.assign(ask, { exchangesGrants: true, revoke });
    // The SDK asks when less than five seconds are left.
    this.#keeper = new TokenKeeper({ ...options, store, refresh, refreshBefore: 5 });
  }

  /**
   * What the SDK is to use in place of what it has.
   *
   * @param read the record that its token was read from
   * @param wanted what its token holds
   * @param url of the token endpoint
   */
  async renew(read: OAuthToken | undefined, wanted: OAuthToken, url: string): Promise<OAuthToken> {
    const [record, isNew] = read === undefined ? await this.#adopted(wanted) : [read, false];
    const id = record.id ?? '';
    this.#urls.set(id, url);
    try {
      return await this.#keeper.token({ id }, { rejected: wanted.accessToken });
    } catch (error) {
      if (isNew && hasCode(error, 'REAUTHORIZATION_REQUIRED')) await this.#forget(id);
      throw this.#asException(error, id);
    } finally {
      this.#exceptions.delete(id);
    }
  }

  /** Takes a login back at the accounts server, and deletes its record. */
  async revoke(id: string, url: string): Promise<void> {
    if (!this.#urls.has(id)) this.#urls.set(id, url);
    await this.#keeper.revoke({ id });
  }

  /** The record of a login that the program has brought, so that others see who is asking. */
  async #adopted(wanted: OAuthToken): Promise<[OAuthToken, isNew: boolean]> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return [await saveUnnamed(this.#store, wanted, { ifVersion: 0 }), true];
      } catch (error) {
        if (hasCode(error, 'VERSION_CONFLICT')) {
          const record = await this.#store.findToken(wanted);
          if (record !== null) return [record, false];
        }
        // Nothing is spent yet: what the store says is all there is to say.
        const pause = this.#retryDelays[attempt];
        if (pause === undefined || !isRetryable(error)) throw error;
        await delay(pause);
      }
    }
  }

  /** A login that was refused at its first use was none: another try begins from nothing. */
  async #forget(id: string): Promise<void> {
    const record = await this.#store.findTokenById(id);
    if (record?.version === undefined || record.accessToken !== undefined) return;
    try {
      await this.#store.deleteToken(id, { ifVersion: record.version });
    } catch (error) {
      // Somebody has made something of it.
      if (!hasCode(error, 'VERSION_CONFLICT')) throw error;
    }
  }

  /** Lets the SDK send its request, with a token of its own. */
  async #ask(record: OAuthToken): Promise<OAuthToken> {
    const id = record.id ?? '';
    const token = toSdkToken(record, this.#sdk);
    const name: Renewal =
      record.refreshToken === undefined ? 'generateAccessToken' : 'refreshAccessToken';
    const method: unknown = Reflect.get(this.#sdk.OAuthToken.prototype, name);
    if (typeof method !== 'function') throw new TypeError(`the SDK has no ${name}`);
    try {
      await Reflect.apply(method, token, [token, this.#urls.get(id)]);
    } catch (exception) {
      this.#exceptions.set(id, exception);
      throw new AccountsError(exception);
    }
    return fromSdkToken(token);
  }

  async #revoke({ id = '', refreshToken }: OAuthToken, { signal }: RefreshContext): Promise<void> {
    if (refreshToken === undefined) return;
    const body = new URLSearchParams({ token: refreshToken });
    const response = await fetch(`${this.#urls.get(id)}/revoke`, { method: 'POST', body, signal });
    const answer = await response.json().catch(() => undefined);
    if (!response.ok) throw new AccountsError(answer, response.status);
  }

  /** What the SDK itself would have thrown, where this process has asked. */
  #asException(error: unknown, id: string): unknown {
    if (error instanceof TokenNotSavedError) {
      const code = knownCode(error.storeCode);
      const failure = new TokenStoreError(code, ERROR_CODES[code]);
      return new ZohoSaveError(failure, this.#retryDelays.length + 1, error.token);
    }
    if (!(error instanceof TokenKeeperError)) return error;
    return this.#exceptions.get(id) ?? new this.#sdk.SDKException(error.code, error.message);
  }
}

function knownCode(code: string | undefined): TokenStoreErrorCode {
  const isKnown = (name: string): name is TokenStoreErrorCode => Object.hasOwn(ERROR_CODES, name);
  return code !== undefined && isKnown(code) ? code : 'STORAGE_FAILED';
}

/** What the keeper reads of an answer: the error that the server named, if it did, and the status. */
class AccountsError extends Error {
  readonly error: string | undefined;
  readonly status: number | undefined;

  constructor(answer: unknown, status?: number) {
    super('The accounts server has not given what was asked for.');
    this.status = status;
    const { message, error } = Object(answer);
    const named: unknown = error ?? message;
    this.error = typeof named === 'string' && /^[a-z_]+$/.test(named) ? named : undefined;
  }
}

function isRetryable(error: unknown): boolean {
  return error instanceof Error && 'retryable' in error && error.retryable === true;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
