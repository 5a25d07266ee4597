import { randomBytes } from 'node:crypto';
import {
  AmbiguousTokenError,
  type DeleteOptions,
  InvalidTokenError,
  type JsonObject,
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

/** How records go. */
export type Removal = 'deleteToken' | 'deleteTokens' | 'saveToken';

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
  added(
    token: TokenRecord,
    records: readonly StoredRecord[],
    removedVersion?: number,
  ): StoredRecord;
  merged(record: StoredRecord, token: TokenRecord): StoredRecord;
  /** A record after fields of it were made absent. */
  without(record: StoredRecord, clear: readonly (keyof TokenRecord)[]): StoredRecord;
  /** What is remembered of the versions of records that go. */
  removedVersion(known: number, versions: readonly number[], how: Removal): number;
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

/** Looks at the value first: of thousands of records few have it. */
function isMatch(key: TokenKey, token: TokenRecord, record: StoredRecord): boolean {
  return record[key.field] === key.value && matchesOn(key, token, record);
}

/** The rules as the contract has them. */
export const RIGHT_RULES: Rules = {
  keys: keysOf,
  isMatch,
  choose: () => {
    throw new AmbiguousTokenError(
      'Several records match. Name the client, the user or the id too.',
    );
  },
  keyless: () => null,
  hasNothingToAdd: ({ refreshToken, grantToken, accessToken, extra }) =>
    refreshToken == null && grantToken == null && accessToken == null && extra == null,
  isTaken: (token, record) =>
    token.id != null &&
    token.userName != null &&
    record.id !== token.id &&
    record.userName === token.userName &&
    agrees(token, record),
  isVersion: (wanted, actual) => wanted === actual,
  added: (token, _records, removedVersion = 0) => ({
    ...token,
    ...(token.extra == null ? {} : { extra: mergedExtra({}, token.extra) }),
    id: token.id ?? randomBytes(16).toString('hex'),
    version: token.id == null ? 1 : removedVersion + 1,
  }),
  merged: (record, token) => {
    const isRenewed = token.accessToken != null && token.accessToken !== record.accessToken;
    return {
      ...record,
      ...(isRenewed ? { expiresAt: undefined } : {}),
      ...token,
      ...(token.extra == null ? {} : { extra: mergedExtra(record.extra ?? {}, token.extra) }),
      id: record.id,
      version: record.version + 1,
    };
  },
  without: (record, clear) => ({
    ...record,
    ...Object.fromEntries(clear.map((field) => [field, undefined])),
  }),
  removedVersion: (known, versions) => Math.max(known, ...versions),
  isAbsorbed: (token, other, keys) => keys.some((key) => isMatch(key, token, other)),
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
      const how = saveOptionsOf(options, wanted);
      return this.#rules.change(this.#shelf, (records) => {
        const saved = this.#saved(records, wanted, how);
        return this.#rules.given(saved);
      });
    });
  }

  deleteToken(id: string, options?: DeleteOptions): Promise<void> {
    return this.#run('deleteToken', async () => {
      requireId(id);
      const ifVersion = versionIn(optionsOf(options, ['ifVersion']), 1);
      await this.#rules.change(this.#shelf, (records) => {
        const isMeant = (record: StoredRecord): boolean => this.#rules.isSameId(id, record.id);
        this.#requireVersion(records.find(isMeant) ?? null, ifVersion);
        this.#replace(
          records,
          records.filter((record) => !isMeant(record)),
          'deleteToken',
        );
      });
    });
  }

  async *tokens(): AsyncGenerator<OAuthToken, void, undefined> {
    const records = await this.#run('tokens', () => this.#rules.read(this.#shelf));
    for (const record of this.#rules.listed(records)) {
      yield await this.#run('tokens', async () => this.#rules.given(record));
    }
  }

  getTokens(): Promise<OAuthToken[]> {
    return this.#run('getTokens', async () => {
      const records = await this.#rules.read(this.#shelf);
      return this.#rules.listed(records).map((record) => this.#rules.given(record));
    });
  }

  deleteTokens(): Promise<void> {
    return this.#run('deleteTokens', () =>
      this.#rules.change(this.#shelf, (records) =>
        this.#replace(records, this.#rules.cleared(records), 'deleteTokens'),
      ),
    );
  }

  close(): Promise<void> {
    this.#closing ??= Promise.allSettled(this.#inFlight).then(() => this.#shelf.close());
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #saved(
    records: StoredRecord[],
    token: TokenRecord,
    { ifVersion, ifExists, clear }: SaveHow,
  ): StoredRecord {
    const rules = this.#rules;
    if (records.some((record) => rules.isTaken(token, record))) {
      throw new TokenConflictError('TOKEN_CONFLICT', 'Another record has this user name.');
    }
    const old = this.#meant(token, records);
    this.#requireVersion(old, ifVersion);
    if (old === null && ifExists) throw otherVersion(0);
    if (old === null && rules.hasNothingToAdd(token)) {
      throw new InvalidTokenError('token', 'has nothing to add');
    }
    const record = rules.kept(
      old === null
        ? rules.added(token, records, this.#shelf.removedVersion)
        : rules.without(rules.merged(old, token), clear),
    );
    const keys = keysOf(token);
    const left = records.filter((other) => other === old || !rules.isAbsorbed(token, other, keys));
    this.#replace(records, rules.placed(left, old, record), 'saveToken');
    return record;
  }

  #requireVersion(record: StoredRecord | null, ifVersion: number | undefined): void {
    const currentVersion = record?.version ?? 0;
    if (ifVersion === undefined || this.#rules.isVersion(ifVersion, currentVersion)) return;
    throw otherVersion(currentVersion);
  }

  /** Puts another list in the place of this one, and remembers the versions of what goes. */
  #replace(records: StoredRecord[], by: readonly StoredRecord[], how: Removal): void {
    const left = new Set(by.map(({ id }) => id));
    const gone = records.filter(({ id }) => !left.has(id)).map(({ version }) => version);
    const { removedVersion: known } = this.#shelf;
    const version = this.#rules.removedVersion(known, gone, how);
    if (version !== known) this.#shelf.removedVersion = version;
    records.splice(0, records.length, ...by);
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

/** By name: `null` takes a name away (C3). */
function mergedExtra(before: JsonObject, given: JsonObject): JsonObject {
  const merged = { ...before, ...given };
  const isGone = (name: string): boolean => Object.hasOwn(given, name) && given[name] === null;
  return Object.fromEntries(Object.entries(merged).filter(([name]) => !isGone(name)));
}

function otherVersion(currentVersion: number): TokenConflictError {
  return new TokenConflictError('VERSION_CONFLICT', 'There is another version.', {
    currentVersion,
  });
}

function requireId(id: unknown): void {
  if (typeof id !== 'string' || id === '') throw new InvalidTokenError('id', 'must be a string');
}

/** How a save is to be done. */
interface SaveHow {
  readonly ifVersion: number | undefined;
  readonly ifExists: boolean;
  readonly clear: readonly (keyof TokenRecord)[];
}

function saveOptionsOf(given: unknown, token: TokenRecord): SaveHow {
  const options = optionsOf(given, ['ifVersion', 'ifExists', 'clear']);
  const { ifExists = false, clear = [] } = options;
  if (typeof ifExists !== 'boolean') throw new InvalidTokenError('ifExists', 'must be a boolean');
  if (!Array.isArray(clear)) throw new InvalidTokenError('clear', 'must be a list');
  const fields = clear.map((name: unknown): keyof TokenRecord => {
    const field = CLEARABLE.find((one) => one === (name === 'userSignature' ? 'userName' : name));
    if (field === undefined || token[field] != null) {
      throw new InvalidTokenError('clear', 'names what can not be cleared');
    }
    return field;
  });
  return { ifVersion: versionIn(options, 0), ifExists, clear: fields };
}

const CLEARABLE: readonly (keyof TokenRecord)[] = [
  'userName',
  'clientId',
  'clientSecret',
  'redirectUrl',
  'grantToken',
  'refreshToken',
  'accessToken',
  'apiDomain',
  'scope',
  'tokenType',
  'issuer',
  'resource',
  'lease',
  'expiresAt',
  'extra',
];

function optionsOf(given: unknown, known: readonly string[]): Readonly<Record<string, unknown>> {
  if (given === undefined) return {};
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new InvalidTokenError('options', 'must be an object');
  }
  if (Object.keys(given).some((name) => !known.includes(name))) {
    throw new InvalidTokenError('options', 'has an unknown one');
  }
  return { ...given };
}

function versionIn(options: Readonly<Record<string, unknown>>, least: number): number | undefined {
  if (!('ifVersion' in options)) return undefined;
  const version = options['ifVersion'];
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < least) {
    throw new InvalidTokenError('ifVersion', 'must be the version of a record');
  }
  return version;
}
