import { setTimeout as delay } from 'node:timers/promises';
import {
  InvalidTokenError,
  type OAuthToken,
  type TokenStore,
  TokenStoreError,
} from '@tokenkeep/core';
import { invalidOption, requireKnownOptions } from '@tokenkeep/core/adapter';
import { purge } from './purge.ts';
import { isSameRecord, type Outcome, saveChanges, saveUnnamed } from './save-changes.ts';
import { SdkRefresh } from './sdk-refresh.ts';
import { fillSdkToken, fromSdkToken, toSdkToken, useStoredTokens } from './sdk-token.ts';
import { accountsUrl, newBuilder, oneAfterTheOther } from './sdk-user.ts';
import { ZohoSaveError } from './zoho-save-error.ts';
import type { ZohoOAuthToken, ZohoSdk, ZohoTokenStore } from './zoho-sdk.ts';

/** Options of {@link zohoTokenStore}. */
export interface ZohoTokenStoreOptions {
  /**
   * How long to wait before each further try of a save that failed, in milliseconds; `[]`: no
   * further try. A grant token can be spent once: when the SDK saves, what it has got for it is in
   * memory only.
   *
   * @default [100, 400, 1600]
   */
  retryDelays?: readonly number[];
  /**
   * How long the accounts server may take to give an access token, in milliseconds: the same in
   * every process. A process that dies meanwhile holds up the others for about as long.
   *
   * @default 10_000
   */
  timeLimit?: number;
}

/**
 * A tokenkeep store as the store that Zoho's SDKs expect.
 *
 * Errors of the store reach the SDK as they are (`TokenStoreError`); the SDK wraps them into its
 * `SDKException`. Closing `store` stays with you.
 *
 * @param sdk the whole module of the SDK that the result is for
 * @throws TokenStoreError `INVALID_OPTION`
 *
 * @example
 * import * as sdk from '@zohocrm/typescript-sdk-8.0';
 * const store = new SqliteTokenStore({ path: './tokens.db' });
 * const builder = await new sdk.InitializeBuilder();
 * await builder.environment(environment).token(token).store(zohoTokenStore(store, sdk)).initialize();
 */
export function zohoTokenStore<Token extends ZohoOAuthToken>(
  store: TokenStore,
  sdk: ZohoSdk<Token>,
  options: ZohoTokenStoreOptions = {},
): ZohoTokenStore<Token> {
  const retryDelays = retryDelaysOf(options);
  const sdkRefresh = new SdkRefresh(store, sdk, { retryDelays, timeLimit: options.timeLimit });
  /** The record that each token of the SDK was last read from or saved as. */
  const records = new WeakMap<Token, OAuthToken>();

  class ZohoBridge extends baseClass(sdk) implements ZohoTokenStore<Token> {
    findToken(token: Token): Promise<Token | null> {
      const found = find(token);
      // The SDK's revoke() does not wait for this, and a rejection that nobody waits for ends the process.
      found.catch(() => {});
      return found;
    }

    async findTokenById(id: string): Promise<Token> {
      const record = await store.findTokenById(id);
      // The JavaScript SDK reads on in what it gets, and a TypeError on null would tell nobody why.
      if (record === null) throw new sdk.SDKException('TOKEN_STORE', unknownId(id));
      return given(record);
    }

    async saveToken(token: Token): Promise<void> {
      const wanted = fromSdkToken(requireSdkToken(token));
      const read = records.get(token);
      const { record, isNewer } = await repeatedly(wanted, async (): Promise<Outcome> => {
        if (read !== undefined && isSameRecord(read, wanted)) {
          return saveChanges(store, read, wanted);
        }
        return { record: await saveUnnamed(store, wanted), isNewer: false };
      });
      records.set(token, record);
      if (isNewer) useStoredTokens(token, record, sdk);
      // With its id, the SDK asks by id from now on, and so sees what other processes save.
      if (record.id !== undefined) token.setId(record.id);
    }

    async deleteToken(id: string): Promise<void> {
      await store.deleteToken(id);
    }

    async getTokens(): Promise<Token[]> {
      return (await store.getTokens()).map(given);
    }

    async deleteTokens(): Promise<void> {
      await store.deleteTokens();
    }

    async revoke(id: string): Promise<void> {
      await sdkRefresh.revoke(id, await accountsUrl(sdk));
    }

    withUser<Result>(token: Token, work: () => Promise<Result>): Promise<Result> {
      return oneAfterTheOther(sdk, async () => {
        // With all that is stored: the SDK tells users apart by what their tokens hold.
        await find(token);
        await (await newBuilder(sdk))
          .token(token)
          .store(this as never)
          .initialize();
        return await work();
      });
    }

    purge({ olderThan }: { readonly olderThan: Date }): Promise<number> {
      return purge(store, olderThan);
    }
  }

  async function find(token: Token): Promise<Token | null> {
    const record = await store.findToken(fromSdkToken(requireSdkToken(token)));
    arm(token);
    if (record === null) return null;
    fillSdkToken(token, record, sdk);
    records.set(token, record);
    return token;
  }

  function given(record: OAuthToken): Token {
    const token = toSdkToken(record, sdk);
    records.set(token, record);
    arm(token);
    return token;
  }

  /**
   * Gives a token methods of its own in place of those by which the SDK asks the accounts server.
   * The SDK calls them on the token that it has got from the store; as they are not enumerable, it
   * does not copy them from one token to another.
   */
  function arm(token: Token): void {
    const renew = async (_token: Token, url: string): Promise<Token> => {
      const wanted = fromSdkToken(token);
      const record = await sdkRefresh.renew(records.get(token), wanted, url);
      useStoredTokens(token, record, sdk);
      records.set(token, record);
      if (record.id !== undefined) token.setId(record.id);
      return token;
    };
    const property = { value: renew, configurable: true, writable: true };
    Object.defineProperties(token, {
      refreshAccessToken: property,
      generateAccessToken: property,
      revoke: {
        value: async (id: string) => {
          await sdkRefresh.revoke(id, await accountsUrl(sdk));
          return true;
        },
        configurable: true,
        writable: true,
      },
    });
  }

  async function repeatedly<T>(wanted: OAuthToken, save: () => Promise<T>): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await save();
      } catch (error) {
        const wait = mayPass(error) ? retryDelays[attempt] : undefined;
        if (wait === undefined) throw saveFailure(error, attempt + 1, wanted);
        await delay(wait);
      }
    }
  }

  function requireSdkToken(token: Token): Token {
    if (token instanceof sdk.OAuthToken) return token;
    throw new InvalidTokenError(
      'token',
      "is not an OAuthToken of the SDK that was handed in: there may be two copies of the SDK, or the other SDK's module was given",
    );
  }

  return new ZohoBridge();
}

function retryDelaysOf(options: ZohoTokenStoreOptions): readonly number[] {
  requireKnownOptions(
    'zohoTokenStore',
    options,
    ['retryDelays', 'timeLimit'],
    '{ retryDelays: [100] }',
  );
  const { retryDelays = [100, 400, 1600] } = options;
  if (Array.isArray(retryDelays) && retryDelays.every((delay) => delay >= 0)) return retryDelays;
  throw invalidOption('retryDelays', 'must be a list of milliseconds, [] for no further try');
}

/** The JavaScript SDK's class, which it checks a store by; nothing where the SDK has none. */
function baseClass(sdk: ZohoSdk): new () => object {
  for (const candidate of [sdk.TokenStore, Object(sdk.TokenStore).TokenStore]) {
    if (typeof candidate === 'function') return candidate;
  }
  return Object;
}

function unknownId(id: string): string {
  const shown = JSON.stringify(id.length <= 80 ? id : `${id.slice(0, 80)}...`);
  return `The store has no token with the id ${shown}. Give an id that the store has, or leave it out and log in.`;
}

/** Whether a failed save may go well later. A fault without a code of its own may, too. */
function mayPass(error: unknown): boolean {
  return !isStoreError(error) || error.retryable || error.code === 'STORAGE_FAILED';
}

/** What the SDK's caller gets to read; nothing but this tells that a login is about to be lost. */
function saveFailure(error: unknown, attempts: number, token: OAuthToken): TokenStoreError {
  // There was nothing to keep, or nowhere to keep it.
  if (isStoreError(error) && ['INVALID_TOKEN', 'VERSION_CONFLICT'].includes(error.code)) {
    return error;
  }
  const known = isStoreError(error)
    ? error
    : new TokenStoreError('STORAGE_FAILED', 'The store failed in a way of its own.', {
        retryable: true,
      });
  return new ZohoSaveError(known, attempts, token);
}

/** The store may have been made with another copy of core than this package has. */
function isStoreError(error: unknown): error is TokenStoreError {
  return (
    error instanceof TokenStoreError ||
    (error instanceof Error && 'code' in error && 'retryable' in error && 'operation' in error)
  );
}
