import { inspect } from 'node:util';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type Decide,
  type SavePlan,
  StorageTokenStore,
  type TokenKey,
  type TokenStorage,
} from '../src/adapter/index.ts';
import { InvalidTokenError, OAuthToken, type StoredRecord, TokenStoreError } from '../src/index.ts';

/** A storage whose every step can be watched, held up and made to fail. */
class ScriptedStorage implements TokenStorage {
  records: StoredRecord[] = [];
  calls: string[] = [];
  failure: unknown;
  hold: Promise<void> | undefined;

  async #step(name: string): Promise<void> {
    this.calls.push(name);
    await this.hold;
    if (this.failure !== undefined) throw this.failure;
  }
  open(): Promise<void> {
    return this.#step('open');
  }
  async find(keys: readonly TokenKey[]): Promise<StoredRecord[]> {
    await this.#step('find');
    return this.records.filter((record) =>
      keys.some(({ field, value }) => record[field] === value),
    );
  }
  async save(keys: readonly TokenKey[], decide: Decide): Promise<SavePlan> {
    const plan = decide(await this.find(keys));
    if (plan.change === undefined) return plan;
    await this.#step('write');
    const { record } = plan.change;
    this.records = [...this.records.filter(({ id }) => id !== record.id), record];
    return plan;
  }
  delete(): Promise<void> {
    return this.#step('delete');
  }
  async *pages(): AsyncIterable<StoredRecord[]> {
    await this.#step('pages');
    yield this.records;
  }
  clear(): Promise<void> {
    return this.#step('clear');
  }
  close(): Promise<void> {
    return this.#step('close');
  }
}

const ada = new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: 'r' });
const rejection = async (promise: Promise<unknown>): Promise<TokenStoreError> => {
  const outcome = await promise.then(
    () => 'resolved',
    (error: unknown) => error,
  );
  if (outcome instanceof TokenStoreError) return outcome;
  throw new Error(`it ${String(outcome)}`);
};

let storage: ScriptedStorage;
let store: StorageTokenStore;
beforeEach(() => {
  storage = new ScriptedStorage();
  store = new StorageTokenStore(storage);
});

describe('opening', () => {
  it('does not happen before the first call', async () => {
    expect(storage.calls).toEqual([]);
    await store.getTokens();
    expect(storage.calls).toEqual(['open', 'pages']);
  });

  it('happens once for any number of calls at once', async () => {
    await Promise.all([store.ready(), store.getTokens(), store.findTokenById('1')]);
    expect(storage.calls.filter((call) => call === 'open')).toHaveLength(1);
  });

  it('is tried again after it failed', async () => {
    storage.failure = new Error('down');
    expect(await rejection(store.ready())).toMatchObject({
      code: 'STORAGE_FAILED',
      operation: 'ready',
    });
    storage.failure = undefined;
    expect(await store.getTokens()).toEqual([]);
  });
});

describe('C17 close', () => {
  it('frees what was opened, once', async () => {
    await store.ready();
    await Promise.all([store.close(), store.close()]);
    await store.close();
    expect(storage.calls).toEqual(['open', 'close']);
  });

  it('does not open what was never used', async () => {
    await store.close();
    expect(storage.calls).toEqual([]);
  });

  it('lets calls in flight finish', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    storage.hold = promise;
    const saving = store.saveToken(ada);
    const closing = store.close();
    resolve();
    await expect(saving).resolves.toBeInstanceOf(OAuthToken);
    await closing;
    expect(storage.calls.at(-1)).toBe('close');
  });

  it('makes later calls reject', async () => {
    await store.close();
    for (const [operation, call] of [
      ['findToken', () => store.findToken(ada)],
      ['findTokenById', () => store.findTokenById('1')],
      ['saveToken', () => store.saveToken(ada)],
      ['deleteToken', () => store.deleteToken('1')],
      ['getTokens', () => store.getTokens()],
      ['deleteTokens', () => store.deleteTokens()],
      ['ready', () => store.ready()],
    ] as const) {
      expect(await rejection(call())).toMatchObject({ code: 'STORE_CLOSED', operation });
    }
  });

  it('happens at the end of await using', async () => {
    {
      await using disposable: StorageTokenStore = store;
      await disposable.ready();
    }
    expect(storage.calls.at(-1)).toBe('close');
  });
});

describe('C14 a failure', () => {
  it('keeps the code of the driver and nothing else of its error', async () => {
    storage.failure = Object.assign(new Error('Duplicate entry SECRET'), {
      code: 'ER_DUP_ENTRY',
      sql: 'SECRET',
    });
    const failure = await rejection(store.saveToken(ada));
    expect(failure).toMatchObject({
      code: 'STORAGE_FAILED',
      operation: 'saveToken',
      driverCode: 'ER_DUP_ENTRY',
    });
    expect(inspect(failure, { showHidden: true, depth: 9 }) + failure.stack).not.toContain(
      'SECRET',
    );
  });

  it('takes no code that is a text', async () => {
    storage.failure = Object.assign(new Error('x'), { code: 'a text with SECRET' });
    expect((await rejection(store.getTokens())).driverCode).toBeUndefined();
  });

  it.each([undefined, null, 'token', {}, 7])(
    'of a wrong argument is InvalidTokenError, before anything is opened',
    async (value) => {
      const wrong = value as never;
      for (const call of [store.findToken(wrong), store.saveToken(wrong)]) {
        expect(await rejection(call)).toBeInstanceOf(InvalidTokenError);
      }
      if (typeof value !== 'string') {
        for (const call of [store.findTokenById(wrong), store.deleteToken(wrong)]) {
          expect(await rejection(call)).toMatchObject({ field: 'id' });
        }
      }
      expect(storage.calls).toEqual([]);
    },
  );

  it.each([
    null,
    3,
    [],
    { ifVersion: null },
    { ifVersion: undefined },
    { ifVersion: '1' },
    { ifVersion: -1 },
    { ifversion: 1 },
  ])('of wrong save options is InvalidTokenError: %j', async (options) => {
    expect(await rejection(store.saveToken(ada, options as never))).toBeInstanceOf(
      InvalidTokenError,
    );
    expect(storage.calls).toEqual([]);
  });
});

describe('a record that was damaged in storage', () => {
  it.each([
    ['its version', { id: '1', userName: 'ada', refreshToken: 'r' }],
    [
      'the type of a field',
      { id: '1', userName: 'ada', refreshToken: 'r', clientSecret: 7, version: 1 },
    ],
  ])('in %s is refused and left as it is', async (_case, damaged) => {
    storage.records = [damaged as unknown as StoredRecord];
    for (const call of [
      () => store.findToken(ada),
      () => store.saveToken(ada),
      () => store.getTokens(),
    ]) {
      expect(await rejection(call())).toMatchObject({
        code: 'RECORD_CORRUPT',
        message: expect.stringContaining('"1"'),
      });
    }
    expect(storage.records).toEqual([damaged]);
  });
});

it('what a failed opening left over is freed by close', async () => {
  storage.failure = new Error('half open');
  await rejection(store.ready());
  storage.failure = undefined;
  await store.close();
  expect(storage.calls).toEqual(['open', 'close']);
});

it('calls that fail together each tell their own operation', async () => {
  storage.failure = new TokenStoreError('CONNECTION_FAILED', 'gone', { retryable: true });
  const failures = await Promise.all([
    rejection(store.findToken(ada)),
    rejection(store.getTokens()),
  ]);
  expect(failures).toMatchObject([
    { operation: 'findToken', retryable: true },
    { operation: 'getTokens', retryable: true },
  ]);
});

it('a record that is added keeps its id, however often it is decided', async () => {
  const ids = new Set<string | undefined>();
  storage.save = async (_keys, decide) => {
    for (let attempt = 0; attempt < 3; attempt += 1) ids.add(decide([]).change?.record.id);
    return decide([]);
  };
  const { id } = await store.saveToken(new OAuthToken({ refreshToken: 'r' }));
  expect([...ids]).toEqual([id]);
});
