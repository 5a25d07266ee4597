import { driverCodeOf, InvalidTokenError, recordCorrupt, TokenStoreError } from './errors.ts';
import { checkString, isPlainObject } from './field-checks.ts';
import { findMatch, keysOf, type TokenKey } from './matching.ts';
import { OAuthToken, recordOf, type StoredRecord } from './oauth-token.ts';
import { newId, planSave, type SavePlan } from './save-plan.ts';
import type { MaybePromise, TokenStorage } from './token-storage.ts';
import type { SaveOptions, TokenStore } from './token-store.ts';

/**
 * A `TokenStore` on any {@link TokenStorage}: checks arguments, finds the record that is meant,
 * plans saves, opens on first use, closes once, and lets out nothing but `TokenStoreError`.
 */
export class StorageTokenStore implements TokenStore {
  readonly #storage: TokenStorage;
  #opening: Promise<void> | undefined;
  #isOpen = false;
  /** Whether there may be something to free: opening may have failed halfway. */
  #wasOpened = false;
  #closing: Promise<void> | undefined;
  #inFlight = 0;
  #whenIdle: (() => void) | undefined;

  constructor(storage: TokenStorage) {
    this.#storage = storage;
  }

  /**
   * Opens the store, and creates what it needs, now rather than at the first call.
   *
   * @throws TokenStoreError that tells what is wrong with the path, the server, the rights or the schema
   */
  ready(): Promise<void> {
    return this.#run('ready', noArgument, () => undefined, itself);
  }

  findToken(token: OAuthToken): Promise<OAuthToken | null> {
    return this.#run(
      'findToken',
      () => {
        const wanted = recordOf(OAuthToken.from(token));
        return { wanted, keys: keysOf(wanted) };
      },
      ({ keys }) => (keys.length === 0 ? [] : this.#storage.find(keys)),
      (found, { wanted, keys }) => asToken(findMatch(wanted, found, keys)),
    );
  }

  findTokenById(id: string): Promise<OAuthToken | null> {
    return this.#run(
      'findTokenById',
      () => requireId(id),
      (value) => this.#storage.find([{ field: 'id', value }]),
      (found, value) => asToken(found.find((record) => record.id === value) ?? null),
    );
  }

  saveToken(token: OAuthToken, options?: SaveOptions): Promise<OAuthToken> {
    return this.#run(
      'saveToken',
      () => ({ wanted: recordOf(OAuthToken.from(token)), ifVersion: requireIfVersion(options) }),
      async ({ wanted, ifVersion }) => {
        let keys: readonly TokenKey[] = keysOf(wanted);
        // One, however often it is decided: a write whose answer was lost may turn out to be done.
        let madeId: string | undefined;
        const makeId = () => (madeId ??= newId());
        for (;;) {
          let saved: OAuthToken | undefined;
          let plan: SavePlan | undefined;
          await this.#storage.save(keys, (candidates) => {
            plan = planSave(wanted, candidates, keys, ifVersion, makeId);
            // Before it is written: a record that was damaged in storage is not made worse.
            saved = plan.change && asToken(plan.change.record);
            return plan.change ?? null;
          });
          if (saved !== undefined) return saved;
          if (plan?.lookUp === undefined) throw new Error('the storage did not ask what to save');
          keys = plan.lookUp;
        }
      },
      itself,
    );
  }

  deleteToken(id: string): Promise<void> {
    return this.#run(
      'deleteToken',
      () => requireId(id),
      (value) => this.#storage.delete(value),
      itself,
    );
  }

  getTokens(): Promise<OAuthToken[]> {
    return this.#run(
      'getTokens',
      noArgument,
      () => this.#storage.all(),
      (records) => records.map((record) => asToken(record)),
    );
  }

  deleteTokens(): Promise<void> {
    return this.#run('deleteTokens', noArgument, () => this.#storage.clear(), itself);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /**
   * @param check refuses what the operation can't be done with, before anything is opened
   * @param work asks the storage; what it has at once is not waited for, which would cost every find its share
   * @param conclude makes the result of what the storage gave
   */
  async #run<Checked, Given, Result>(
    operation: string,
    check: () => Checked,
    work: (checked: Checked) => MaybePromise<Given>,
    conclude: (given: Given, checked: Checked) => Result,
  ): Promise<Result> {
    if (this.#closing !== undefined) {
      throw new TokenStoreError(
        'STORE_CLOSED',
        'The store was closed. Open a new one, and close a store only when you are done.',
        { operation },
      );
    }
    this.#inFlight += 1;
    try {
      const checked = check();
      if (!this.#isOpen) await this.#open();
      const given = work(checked);
      return conclude(isPromiseLike(given) ? await given : given, checked);
    } catch (error) {
      throw this.#failure(operation, error);
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#whenIdle?.();
    }
  }

  async #open(): Promise<void> {
    this.#wasOpened = true;
    this.#opening ??= (async () => this.#storage.open())();
    try {
      await this.#opening;
      this.#isOpen = true;
    } catch (error) {
      // The next call tries again.
      this.#opening = undefined;
      throw error;
    }
  }

  async #close(): Promise<void> {
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#whenIdle = resolve;
      });
    }
    if (!this.#wasOpened) return;
    try {
      await this.#storage.close();
    } catch (error) {
      throw this.#failure('close', error);
    }
  }

  #failure(operation: string, error: unknown): TokenStoreError {
    const failure =
      error instanceof TokenStoreError
        ? error
        : (this.#storage.translateError?.(error) ?? unknownFailure(error));
    failure.operation ??= operation;
    if (failure.operation === operation) return failure;
    // Calls that failed together, such as those that waited for the store to open, share an error.
    const { code, message, retryable, driverCode } = failure;
    return new TokenStoreError(code, message, { operation, retryable, driverCode });
  }
}

function noArgument(): void {}

function itself<T>(given: T): T {
  return given;
}

function requireId(id: unknown): string {
  const checked = checkString('id', id);
  if (checked === undefined)
    throw new InvalidTokenError('id', 'is missing: give the id of a record');
  return checked;
}

function requireIfVersion(options: unknown): number | undefined {
  if (options === undefined) return undefined;
  if (!isPlainObject(options))
    throw new InvalidTokenError('options', 'must be an object such as { ifVersion: 3 }');
  for (const name of Object.keys(options)) {
    if (name !== 'ifVersion')
      throw new InvalidTokenError('options', 'has an option besides ifVersion');
  }
  if (!('ifVersion' in options)) return undefined;
  const { ifVersion } = options;
  // An undefined version means that the caller never read the record: ignoring it would overwrite.
  if (typeof ifVersion !== 'number' || !Number.isSafeInteger(ifVersion) || ifVersion < 0) {
    throw new InvalidTokenError(
      'ifVersion',
      'must be the version of a record, or 0 for none; leave it out to save over any',
    );
  }
  return ifVersion;
}

function asToken(record: StoredRecord): OAuthToken;
function asToken(record: StoredRecord | null): OAuthToken | null;
function asToken(record: StoredRecord | null): OAuthToken | null {
  if (record === null) return null;
  const token = OAuthToken.fromRecord(record);
  if (token.id === undefined) throw recordCorrupt(undefined, 'it has no id');
  if (token.version === undefined) throw recordCorrupt(token.id, 'it has no version');
  return token;
}

function unknownFailure(error: unknown): TokenStoreError {
  const driverCode = driverCodeOf(error);
  return new TokenStoreError(
    'STORAGE_FAILED',
    `The storage reported a fault${driverCode === undefined ? '' : ` with the code ${driverCode}`}.`,
    { driverCode },
  );
}

function isPromiseLike<T>(value: MaybePromise<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value;
}
