import { driverCodeOf, recordCorrupt, TokenStoreError } from '../errors.ts';
import { findMatch, keysOf, type TokenKey } from '../rules/matching.ts';
import { newId, planSave } from '../rules/save-plan.ts';
import type { DeleteOptions, SaveOptions, TokenStore } from '../store/token-store.ts';
import { OAuthToken, recordOf } from '../token/oauth-token.ts';
import type { StoredRecord } from '../token/token-fields.ts';
import { requireDeleteOptions, requireId, requireSaveOptions } from './call-options.ts';
import type { MaybePromise, TokenStorage } from './token-storage.ts';

/**
 * A `TokenStore` on any {@link TokenStorage}: checks arguments, finds the matching record, plans
 * saves, opens on first use, closes once, and lets out nothing but `TokenStoreError`.
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
      () => {
        const wanted = recordOf(OAuthToken.from(token));
        return { wanted, planOptions: requireSaveOptions(options, wanted) };
      },
      async ({ wanted, planOptions }) => {
        // One, however often it is planned: a write whose answer was lost may turn out to be done.
        let madeId: string | undefined;
        const makeId = () => (madeId ??= newId());
        let keys: readonly TokenKey[] = keysOf(wanted);
        for (;;) {
          const decidedBy = keys;
          const plan = await this.#storage.save(decidedBy, (candidates, deletedVersion) => {
            const options = { ...planOptions, deletedVersion, makeId };
            const decided = planSave(wanted, candidates, decidedBy, options);
            // Before it is written: a record that was damaged in storage is not made worse.
            if (decided.change !== undefined) asToken(decided.change.record);
            return decided;
          });
          if (plan.change !== undefined) return asToken(plan.change.record);
          keys = plan.lookUp;
        }
      },
      itself,
    );
  }

  deleteToken(id: string, options?: DeleteOptions): Promise<void> {
    return this.#run(
      'deleteToken',
      () => ({ id: requireId(id), ifVersion: requireDeleteOptions(options) }),
      (wanted) => this.#storage.delete(wanted.id, wanted.ifVersion),
      itself,
    );
  }

  getTokens(): Promise<OAuthToken[]> {
    return this.#run(
      'getTokens',
      noArgument,
      async () => {
        const tokens: OAuthToken[] = [];
        for await (const page of this.#storage.pages()) {
          for (const record of page) tokens.push(asToken(record));
        }
        return tokens;
      },
      itself,
    );
  }

  /** Each page is a call of its own: nobody waits for a caller who thinks between two of them. */
  async *tokens(): AsyncGenerator<OAuthToken, void, undefined> {
    let pages:
      | Iterator<readonly StoredRecord[]>
      | AsyncIterator<readonly StoredRecord[]>
      | undefined;
    try {
      for (;;) {
        const page = await this.#run(
          'tokens',
          noArgument,
          () => {
            pages ??= iteratorOf(this.#storage.pages());
            return pages.next();
          },
          ({ done, value }) => (done === true ? undefined : value.map((record) => asToken(record))),
        );
        if (page === undefined) return;
        yield* page;
      }
    } finally {
      await pages?.return?.();
    }
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
   * @param work asks the storage; what it has at once is not waited for
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
      // Calls that waited for the same opening share its error, and each tells its own operation.
      throw error instanceof TokenStoreError ? withoutOperation(error) : error;
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
    let failure =
      error instanceof TokenStoreError
        ? error
        : (this.#storage.translateError?.(error) ?? unknownFailure(error));
    // Calls that shared a step of the storage share its error, and each tells its own operation. A
    // refusal, of a class of its own with more to tell, is of one call only.
    const mayBeShared = failure.constructor === TokenStoreError && failure.operation !== undefined;
    if (mayBeShared) failure = withoutOperation(failure);
    failure.operation = operation;
    return failure;
  }
}

function noArgument(): void {}

function itself<T>(given: T): T {
  return given;
}

function withoutOperation({
  code,
  message,
  retryable,
  driverCode,
}: TokenStoreError): TokenStoreError {
  return new TokenStoreError(code, message, { retryable, driverCode });
}

function iteratorOf<T>(iterable: Iterable<T> | AsyncIterable<T>): Iterator<T> | AsyncIterator<T> {
  return Symbol.asyncIterator in iterable
    ? iterable[Symbol.asyncIterator]()
    : iterable[Symbol.iterator]();
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
