import {
  type DeleteOptions,
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
 * A store that was written for Zoho's SDKs as a tokenkeep store: to check it, say. To import from it,
 * use `importFromZoho`.
 *
 * It adds nothing to what that store can do: there are no versions, `scope`, `tokenType` and `extra`
 * are not kept, and clauses of the contract that it breaks stay broken (the vendor's own `FileStore`
 * and `DBStore` break many). Closing it frees nothing; the vendor's stores hold nothing open.
 *
 * @param sdk the whole module of the SDK that the store is for
 *
 * @example
 * const old = tokenStoreFromZoho(new sdk.DBBuilder().build(), sdk);
 * console.log(await old.getTokens());
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
      refuseOptions(options);
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

  deleteToken(id: string, options?: DeleteOptions): Promise<void> {
    return this.#run('deleteToken', async () => {
      refuseOptions(options);
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
    const found = sdkTokenIn(
      await this.#vendorStore.findToken(toSdkToken(token, this.#sdk)),
      this.#sdk,
    );
    if (found === null) return null;
    // The vendor's stores fill only what is empty: this is the record and what was asked for, mixed.
    const mixed = fromVendor(found);
    return mixed.id === undefined ? mixed : this.#findById(mixed.id);
  }

  async #findById(id: string): Promise<OAuthToken | null> {
    // Asked for an id that it has not, `DBStore` throws where nobody can catch it.
    const all = await this.#all();
    if (!all.some((record) => record.id === id)) return null;
    const found = sdkTokenIn(await this.#vendorStore.findTokenById(id), this.#sdk);
    return found && fromVendor(found);
  }

  async #all(): Promise<OAuthToken[]> {
    return (await tokensOfVendor(this.#vendorStore, this.#sdk)).map(({ token }) => token());
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
      const failure = failureOf(error);
      failure.operation ??= operation;
      throw failure;
    }
  }
}

/**
 * What a vendor's store lists. `token` throws `RECORD_CORRUPT` for a record that is spoilt.
 *
 * @throws TokenStoreError if it gives something else than tokens of this SDK
 */
export async function tokensOfVendor<Token extends ZohoOAuthToken>(
  vendorStore: ZohoVendorStore<Token>,
  sdk: ZohoSdk<Token>,
): Promise<{ id: string | null | undefined; token: () => OAuthToken }[]> {
  let all: unknown;
  try {
    // `DBStore` gives null for none.
    all = (await vendorStore.getTokens()) ?? [];
  } catch (error) {
    throw failureOf(error);
  }
  if (!Array.isArray(all)) throw unlike('a list of tokens');
  return all.flatMap((each: unknown) => {
    const token = sdkTokenIn(each, sdk);
    return token === null ? [] : [{ id: token.getId(), token: () => fromVendor(token) }];
  });
}

/** @throws TokenStoreError for what is no token, which must not be taken for nothing (contract C1) */
function sdkTokenIn<Token extends ZohoOAuthToken>(
  value: unknown,
  sdk: ZohoSdk<Token>,
): Token | null {
  if (value === null || value === undefined) return null;
  if (value instanceof sdk.OAuthToken) return value;
  throw unlike('an OAuthToken');
}

/**
 * The vendor's token as ours.
 *
 * @throws TokenStoreError `RECORD_CORRUPT`: `FileStore` keeps a value with a comma or a line break
 *   in it as several fields, and then something else stands where the expiry should, or the expiry
 *   where the redirect address should
 */
function fromVendor(token: ZohoOAuthToken): OAuthToken {
  const expiry = token.getExpiresIn() ?? '';
  if (!/^(\d{1,15}|NaN|null|undefined|)$/.test(expiry)) {
    throw recordCorrupt(token.getId(), 'its expiry is not a time');
  }
  if (/^\d{9,}$/.test(token.getRedirectURL() ?? '')) {
    throw recordCorrupt(token.getId(), 'its redirect address is a number, such as an expiry');
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

/** To ignore them would be to overwrite, or to delete, what they are there to keep. */
function refuseOptions(options: object = {}): void {
  for (const name of Object.keys(options)) {
    throw new InvalidTokenError(
      name,
      "can not be promised: a store of the SDK's kind has no such thing",
    );
  }
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
  if (error instanceof TokenStoreError) return error;
  const cause = error instanceof Error ? error.cause : undefined;
  const driverCode = driverCodeOf(cause) ?? driverCodeOf(error);
  return new TokenStoreError(
    'STORAGE_FAILED',
    `The store reported a fault${driverCode === undefined ? '' : ` with the code ${driverCode}`}.`,
    { driverCode },
  );
}
