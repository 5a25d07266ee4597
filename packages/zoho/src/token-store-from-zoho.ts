import {
  InvalidTokenError,
  OAuthToken,
  type SaveOptions,
  type TokenStore,
  TokenStoreError,
} from '@tokenkeep/core';
import { driverCodeOf, recordCorrupt } from '@tokenkeep/core/adapter';
import { fromSdkToken, toSdkToken } from './sdk-token.ts';
import type { ZohoOAuthToken, ZohoSdk, ZohoVendorStore } from './zoho-sdk.ts';

/**
 * A store that was written for Zoho's SDKs as a tokenkeep store: to check it, or to import from it.
 *
 * It adds nothing to what that store can do: there are no versions, `scope`, `tokenType` and `extra`
 * are not kept, and clauses of the contract that it breaks stay broken (the vendor's own `FileStore`
 * and `DBStore` break many). Closing it frees nothing; the vendor's stores hold nothing open.
 *
 * @param sdk the whole module of the SDK that the store is for
 *
 * @example
 * const old = tokenStoreFromZoho(new sdk.FileStore('./sdk_tokens.txt'), sdk);
 * for (const token of await old.getTokens()) await store.saveToken(token);
 */
export function tokenStoreFromZoho<Token extends ZohoOAuthToken>(
  vendorStore: ZohoVendorStore<Token>,
  sdk: ZohoSdk<Token>,
): TokenStore {
  return new VendorTokenStore(vendorStore, sdk);
}

class VendorTokenStore<Token extends ZohoOAuthToken> implements TokenStore {
  readonly #vendorStore: ZohoVendorStore<Token>;
  readonly #sdk: ZohoSdk<Token>;
  #closed = false;

  constructor(vendorStore: ZohoVendorStore<Token>, sdk: ZohoSdk<Token>) {
    this.#vendorStore = vendorStore;
    this.#sdk = sdk;
  }

  findToken(token: OAuthToken): Promise<OAuthToken | null> {
    return this.#run('findToken', async () => this.#find(OAuthToken.from(token)));
  }

  findTokenById(id: string): Promise<OAuthToken | null> {
    return this.#run('findTokenById', async () => this.#findById(requireId(id)));
  }

  saveToken(token: OAuthToken, options?: SaveOptions): Promise<OAuthToken> {
    return this.#run('saveToken', async () => {
      if (options !== undefined && 'ifVersion' in options) {
        throw new InvalidTokenError('ifVersion', 'can not be promised: this store has no versions');
      }
      const sdkToken = toSdkToken(OAuthToken.from(token), this.#sdk);
      await this.#vendorStore.saveToken(sdkToken);
      const given = fromSdkToken(sdkToken);
      // `DBStore` does not set the id of a token whose record it updates.
      const saved = given.id === undefined ? this.#find(given) : this.#findById(given.id);
      const record = await saved;
      if (record !== null) return record;
      throw new TokenStoreError(
        'STORAGE_FAILED',
        'The store does not find what it was given to save.',
      );
    });
  }

  deleteToken(id: string): Promise<void> {
    return this.#run('deleteToken', async () => {
      // `FileStore` fails where there is no such record, and C9 wants that to be fine.
      if (await this.#findById(requireId(id))) await this.#vendorStore.deleteToken(id);
    });
  }

  getTokens(): Promise<OAuthToken[]> {
    return this.#run('getTokens', () => this.#all());
  }

  deleteTokens(): Promise<void> {
    return this.#run('deleteTokens', async () => {
      await this.#vendorStore.deleteTokens();
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #find(token: OAuthToken): Promise<OAuthToken | null> {
    const found = this.#sdkToken(await this.#vendorStore.findToken(toSdkToken(token, this.#sdk)));
    if (found === null) return null;
    // The vendor's stores fill only what is empty: this is the record and what was asked for, mixed.
    const mixed = fromVendor(found);
    return mixed.id === undefined ? mixed : this.#findById(mixed.id);
  }

  async #findById(id: string): Promise<OAuthToken | null> {
    // Asked for an id that it has not, `DBStore` throws where nobody can catch it.
    const all = await this.#all();
    if (!all.some((record) => record.id === id)) return null;
    const found = this.#sdkToken(await this.#vendorStore.findTokenById(id));
    return found && fromVendor(found);
  }

  async #all(): Promise<OAuthToken[]> {
    // `DBStore` gives null for none.
    const all = (await this.#vendorStore.getTokens()) ?? [];
    if (!Array.isArray(all)) throw unlike('a list of tokens');
    return all.flatMap((each: unknown) => {
      const token = this.#sdkToken(each);
      return token === null ? [] : [fromVendor(token)];
    });
  }

  /** @throws TokenStoreError for what is no token, which must not be taken for nothing (contract C1) */
  #sdkToken(value: unknown): Token | null {
    if (value === null || value === undefined) return null;
    if (value instanceof this.#sdk.OAuthToken) return value;
    throw unlike('an OAuthToken');
  }

  async #run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) {
      throw new TokenStoreError('STORE_CLOSED', 'The store was closed. Open a new one.', {
        operation,
      });
    }
    try {
      return await work();
    } catch (error) {
      const failure = error instanceof TokenStoreError ? error : failureOf(error);
      failure.operation ??= operation;
      throw failure;
    }
  }
}

/**
 * The vendor's token as ours.
 *
 * @throws TokenStoreError `RECORD_CORRUPT`: `FileStore` keeps a value with a comma or a line break
 *   in it as several fields, and then something else stands where the expiry should
 */
function fromVendor(token: ZohoOAuthToken): OAuthToken {
  const expiry = token.getExpiresIn() ?? '';
  if (!/^(\d{1,15}|NaN|null|undefined|)$/.test(expiry)) {
    throw recordCorrupt(token.getId(), 'its expiry is not a time');
  }
  try {
    return fromSdkToken(token);
  } catch (error) {
    if (error instanceof InvalidTokenError) throw recordCorrupt(token.getId(), error.message);
    throw error;
  }
}

function unlike(expected: string): TokenStoreError {
  return new TokenStoreError(
    'STORAGE_FAILED',
    `The store did not give ${expected} of the SDK that was handed in: there may be two copies of the SDK, or the other SDK's module was given.`,
  );
}

function requireId(id: string): string {
  // The constructor checks what an id must be.
  const checked = new OAuthToken({ id }).id;
  if (checked === undefined)
    throw new InvalidTokenError('id', 'is missing: give the id of a record');
  return checked;
}

/** The vendor's texts are left out: they carry paths, statements and what a driver put into its own. */
function failureOf(error: unknown): TokenStoreError {
  const cause = error instanceof Error ? error.cause : undefined;
  const driverCode = driverCodeOf(cause) ?? driverCodeOf(error);
  return new TokenStoreError(
    'STORAGE_FAILED',
    `The store reported a fault${driverCode === undefined ? '' : ` with the code ${driverCode}`}.`,
    { driverCode },
  );
}
