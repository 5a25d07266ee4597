import { randomBytes } from 'node:crypto';
import {
  AmbiguousTokenError,
  InvalidTokenError,
  OAuthToken,
  type SaveOptions,
  type StoredRecord,
  TokenConflictError,
  type TokenRecord,
  type TokenStore,
  TokenStoreError,
} from '@tokenkeep/core';
import { agrees, keysOf, matchesOn, type TokenKey } from '@tokenkeep/core/rules';
import type { Shelf } from './shelf.ts';

/** The decisions of a {@link PlainTokenStore}. Each of them can be put wrong by itself. */
export interface Rules {
  keys(token: TokenRecord): TokenKey[];
  isMatch(key: TokenKey, token: TokenRecord, record: StoredRecord): boolean;
  /** Which of several that match on one key. */
  choose(matches: readonly StoredRecord[]): StoredRecord;
  /** What a token without a key means. */
  keyless(records: readonly StoredRecord[]): StoredRecord | null;
  hasNothingToAdd(token: TokenRecord): boolean;
  isTaken(token: TokenRecord, record: StoredRecord): boolean;
  isVersion(wanted: number, actual: number): boolean;
  added(token: TokenRecord, records: readonly StoredRecord[]): StoredRecord;
  merged(record: StoredRecord, token: TokenRecord): StoredRecord;
  isAbsorbed(token: TokenRecord, other: StoredRecord, keys: readonly TokenKey[]): boolean;
  /** The list after a record took the place of another, or was added. */
  placed(records: StoredRecord[], old: StoredRecord | null, record: StoredRecord): StoredRecord[];
  /** A record as it is written. */
  kept(record: StoredRecord): StoredRecord;
  given(record: StoredRecord): OAuthToken;
  listed(records: StoredRecord[]): StoredRecord[];
  isSameId(wanted: string, id: string): boolean;
  cleared(records: StoredRecord[]): StoredRecord[];
  read(shelf: Shelf): Promise<StoredRecord[]>;
  change<T>(shelf: Shelf, work: (records: StoredRecord[]) => T | Promise<T>): Promise<T>;
}

/** The rules as the contract has them. */
export const RIGHT_RULES: Rules = {
  keys: keysOf,
  isMatch: matchesOn,
  choose: () => {
    throw new AmbiguousTokenError(
      'Several records match. Name the client, the user or the id too.',
    );
  },
  keyless: () => null,
  hasNothingToAdd: ({ refreshToken, grantToken, accessToken }) =>
    refreshToken == null && grantToken == null && accessToken == null,
  isTaken: (token, record) =>
    token.id != null &&
    token.userName != null &&
    record.id !== token.id &&
    record.userName === token.userName &&
    agrees(token, record),
  isVersion: (wanted, actual) => wanted === actual,
  added: (token) => ({ ...token, id: token.id ?? randomBytes(16).toString('hex'), version: 1 }),
  merged: (record, token) => ({
    ...record,
    ...token,
    id: record.id,
    version: record.version + 1,
  }),
  isAbsorbed: (token, other, keys) => keys.some((key) => matchesOn(key, token, other)),
  placed: (records, old, record) =>
    old === null ? [...records, record] : records.map((one) => (one === old ? record : one)),
  kept: (record) => record,
  given: (record) => OAuthToken.fromRecord(record),
  listed: (records) => records,
  isSameId: (wanted, id) => wanted === id,
  cleared: () => [],
  read: (shelf) => shelf.read(),
  change: (shelf, work) => shelf.change(work),
};

/**
 * A store in plain code, without the help of `StorageTokenStore` and `planSave`. It keeps the
 * contract with {@link RIGHT_RULES}; the broken stores are this one with a fault put in.
 */
export class PlainTokenStore implements TokenStore {
  readonly #shelf: Shelf;
  readonly #rules: Rules;
  readonly #inFlight = new Set<Promise<unknown>>();
  #closing: Promise<void> | undefined;

  constructor(shelf: Shelf, rules: Rules = RIGHT_RULES) {
    this.#shelf = shelf;
    this.#rules = rules;
  }

  findToken(token: OAuthToken): Promise<OAuthToken | null> {
    return this.#run('findToken', async () => {
      const wanted = OAuthToken.from(token).toRecord();
      const found = this.#meant(wanted, await this.#rules.read(this.#shelf));
      return found && this.#rules.given(found);
    });
  }

  findTokenById(id: string): Promise<OAuthToken | null> {
    return this.#run('findTokenById', async () => {
      requireId(id);
      const records = await this.#rules.read(this.#shelf);
      const found = records.find((record) => this.#rules.isSameId(id, record.id));
      return found === undefined ? null : this.#rules.given(found);
    });
  }

  saveToken(token: OAuthToken, options?: SaveOptions): Promise<OAuthToken> {
    return this.#run('saveToken', async () => {
      const wanted = OAuthToken.from(token).toRecord();
      const ifVersion = ifVersionOf(options);
      return this.#rules.change(this.#shelf, (records) => {
        const saved = this.#saved(records, wanted, ifVersion);
        return this.#rules.given(saved);
      });
    });
  }

  deleteToken(id: string): Promise<void> {
    return this.#run('deleteToken', async () => {
      requireId(id);
      await this.#rules.change(this.#shelf, (records) =>
        replace(
          records,
          records.filter((record) => !this.#rules.isSameId(id, record.id)),
        ),
      );
    });
  }

  getTokens(): Promise<OAuthToken[]> {
    return this.#run('getTokens', async () => {
      const records = await this.#rules.read(this.#shelf);
      return this.#rules.listed(records).map((record) => this.#rules.given(record));
    });
  }

  deleteTokens(): Promise<void> {
    return this.#run('deleteTokens', () =>
      this.#rules.change(this.#shelf, (records) => replace(records, this.#rules.cleared(records))),
    );
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#inFlight).then(() => this.#shelf.close());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #saved(records: StoredRecord[], token: TokenRecord, ifVersion: number | undefined): StoredRecord {
    const rules = this.#rules;
    if (records.some((record) => rules.isTaken(token, record))) {
      throw new TokenConflictError('TOKEN_CONFLICT', 'Another record has this user name.');
    }
    const old = this.#meant(token, records);
    const currentVersion = old?.version ?? 0;
    if (ifVersion !== undefined && !rules.isVersion(ifVersion, currentVersion)) {
      throw new TokenConflictError('VERSION_CONFLICT', 'There is another version.', {
        currentVersion,
      });
    }
    if (old === null && rules.hasNothingToAdd(token)) {
      throw new InvalidTokenError('token', 'has nothing to add');
    }
    const record = rules.kept(
      old === null ? rules.added(token, records) : rules.merged(old, token),
    );
    const keys = keysOf(token);
    const left = records.filter((other) => other === old || !rules.isAbsorbed(token, other, keys));
    replace(records, rules.placed(left, old, record));
    return record;
  }

  #meant(token: TokenRecord, records: readonly StoredRecord[]): StoredRecord | null {
    const keys = this.#rules.keys(token);
    if (keys.length === 0) return this.#rules.keyless(records);
    for (const key of keys) {
      const matches = records.filter((record) => this.#rules.isMatch(key, token, record));
      if (matches.length > 1) return this.#rules.choose(matches);
      if (matches[0] !== undefined) return matches[0];
    }
    return null;
  }

  async #run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    if (this.#closing !== undefined) {
      throw new TokenStoreError('STORE_CLOSED', 'The store was closed.', { operation });
    }
    const running = work().catch((error: unknown) => {
      if (error instanceof TokenStoreError) {
        error.operation = operation;
        throw error;
      }
      throw new TokenStoreError('STORAGE_FAILED', 'The storage failed.', { operation });
    });
    const settled = running.catch(() => undefined);
    this.#inFlight.add(settled);
    try {
      return await running;
    } finally {
      this.#inFlight.delete(settled);
    }
  }
}

function replace(records: StoredRecord[], by: readonly StoredRecord[]): void {
  records.splice(0, records.length, ...by);
}

function requireId(id: unknown): void {
  if (typeof id !== 'string' || id === '') throw new InvalidTokenError('id', 'must be a string');
}

function ifVersionOf(options: unknown): number | undefined {
  if (options === undefined) return undefined;
  const version: unknown =
    typeof options === 'object' && options !== null ? Reflect.get(options, 'ifVersion') : undefined;
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 0) {
    throw new InvalidTokenError('ifVersion', 'must be the version of a record, or 0');
  }
  return version;
}
