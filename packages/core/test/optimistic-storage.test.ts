import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import { StorageTokenStore } from '../src/adapter/index.ts';
import { MAX_WRITE_IDS, OptimisticStorage } from '../src/adapter/server/index.ts';
import { OAuthToken, type TokenInit, TokenStoreError } from '../src/index.ts';
import { type Fault, MemoryDatabase, MemoryEngine } from './memory-engine.ts';

let database: MemoryDatabase;
/** Two processes. */
let a: MemoryEngine;
let b: MemoryEngine;
let storeA: StorageTokenStore;
let storeB: StorageTokenStore;

beforeEach(() => {
  database = new MemoryDatabase();
  a = new MemoryEngine(database);
  b = new MemoryEngine(database);
  storeA = new StorageTokenStore(new OptimisticStorage(a));
  storeB = new StorageTokenStore(new OptimisticStorage(b));
});

const ada = (init: TokenInit = {}) =>
  new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: 'r', ...init });

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'saved';
  } catch (error) {
    if (error instanceof TokenStoreError) return error.code;
    throw error;
  }
}

describe('the guess at what a read would give', () => {
  it('spares the read of a record that this process wrote last', async () => {
    await storeA.saveToken(ada());
    a.calls.length = 0;
    const saved = await storeA.saveToken(ada({ scope: 's' }));
    expect(saved.version).toBe(2);
    expect(a.calls).toEqual(['commit']);
  });

  it('may be wrong: then the save is decided on what is read', async () => {
    await storeA.saveToken(ada());
    await storeB.saveToken(ada({ apiDomain: 'https://eu' }));
    const saved = await storeA.saveToken(ada({ scope: 's' }));
    expect(saved).toMatchObject({ version: 3, apiDomain: 'https://eu', scope: 's' });
  });

  it('is not made for a record that another process wrote once', async () => {
    await storeA.saveToken(ada());
    await storeB.saveToken(ada());
    await storeA.saveToken(ada());
    a.calls.length = 0;
    await storeA.saveToken(ada());
    expect(a.calls).toEqual(['read', 'commit']);
  });

  it('refuses nothing: V2 is decided on what is read', async () => {
    await storeA.saveToken(ada());
    const { version } = await storeB.saveToken(ada());
    await expect(storeA.saveToken(ada(), { ifVersion: version ?? 0 })).resolves.toMatchObject({
      version: 3,
    });
  });

  it('is not made by an id that another record may have', async () => {
    await storeA.saveToken(ada());
    await storeB.saveToken(new OAuthToken({ id: 'x', refreshToken: 'other' }));
    const saved = await storeA.saveToken(
      new OAuthToken({ id: 'x', refreshToken: 'r', scope: 's' }),
    );
    expect(saved.id).toBe('x');
  });
});

it('reads once to absorb a record, and twice if others may have a key that comes with it', async () => {
  const grant = (clientId: string) =>
    new OAuthToken({ grantToken: 'g', refreshToken: clientId, clientId });
  await storeB.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, accessToken: 'a' }));
  await storeB.saveToken(grant('c1'));
  a.calls.length = 0;
  await storeA.saveToken(ada({ refreshToken: 'c1' }));
  expect(a.calls).toEqual(['read', 'commit']);

  await storeB.saveToken(new OAuthToken({ userSignature: { name: 'eve' }, accessToken: 'e' }));
  await storeB.saveToken(grant('c2'));
  a.calls.length = 0;
  await storeA.saveToken(ada({ userSignature: { name: 'eve' }, refreshToken: 'c2' }));
  expect(a.calls).toEqual(['read', 'read', 'commit']);
});

describe('F1 a write whose answer was lost', () => {
  it('is recognised, and not done again over what others saved since', async () => {
    await storeA.saveToken(ada());
    a.faults.push('answer lost');
    const saving = storeA.saveToken(ada({ scope: 'A' }));
    // B saves as soon as A's write is done, before A can look.
    while (database.written.at(-1) !== 'A') await new Promise(setImmediate);
    const savedB = await storeB.saveToken(ada({ scope: 'B' }));
    await expect(saving).resolves.toMatchObject({ version: 2, scope: 'A' });
    expect(savedB.version).toBe(3);
    await expect(storeB.findToken(ada())).resolves.toMatchObject({ version: 3, scope: 'B' });
    expect(database.written).toEqual([undefined, 'A', 'B']);
  });

  it('with ifVersion is a success, and no VERSION_CONFLICT with itself', async () => {
    await storeA.saveToken(ada());
    a.faults.push('answer lost');
    const saved = await storeA.saveToken(ada({ scope: 'A' }), { ifVersion: 1 });
    expect(saved.version).toBe(2);
    expect(database.written).toEqual([undefined, 'A']);
  });

  it('and that did not happen is done again, once', async () => {
    await storeA.saveToken(ada());
    a.faults.push('not sent');
    await expect(storeA.saveToken(ada({ scope: 'A' }))).resolves.toMatchObject({ version: 2 });
    expect(database.written).toEqual([undefined, 'A']);
  });

  it('and that happens after the look is not done twice', async () => {
    await storeA.saveToken(ada());
    a.faults.push('late');
    await expect(storeA.saveToken(ada({ scope: 'A' }))).resolves.toMatchObject({ version: 2 });
    expect(database.written).toEqual([undefined, 'A']);
  });

  it('does not bring back what was deleted meanwhile', async () => {
    a.faults.push('answer lost');
    const saving = codeOf(storeA.saveToken(ada({ id: 'x' })));
    while (database.written.length === 0) await new Promise(setImmediate);
    await storeB.deleteToken('x');
    expect(await saving).toBe('CONNECTION_FAILED');
    expect(database.entries.size).toBe(0);
    expect(database.written).toHaveLength(1);
  });

  it('of which too many writes came since can not be told, and is not done again', async () => {
    await storeA.saveToken(ada());
    a.faults.push('not sent');
    a.beforeCommit = async () => {
      a.beforeCommit = async () => {};
      for (let i = 0; i < MAX_WRITE_IDS; i += 1) await storeB.saveToken(ada({ scope: `B${i}` }));
    };
    expect(await codeOf(storeA.saveToken(ada({ scope: 'A' })))).toBe('CONNECTION_FAILED');
    expect(database.written).not.toContain('A');
  });
});

it('A1 concurrent saves of one user in two processes leave one record, and each is done', async () => {
  const saves = Array.from({ length: 20 }, (_, i) =>
    (i % 2 === 0 ? storeA : storeB).saveToken(ada({ scope: `${i}` })),
  );
  await Promise.all(saves);
  expect(database.entries.size).toBe(1);
  expect((await storeA.findToken(ada()))?.version).toBe(20);
  expect(database.written.toSorted()).toEqual(saves.map((_, i) => `${i}`).toSorted());
});

it('gives up with CONTENTION when every attempt lost the race', async () => {
  const store = new StorageTokenStore(new OptimisticStorage(a, 20));
  await storeB.saveToken(ada());
  a.beforeCommit = async () => {
    await storeB.saveToken(ada({ scope: 'B' }));
  };
  expect(await codeOf(store.saveToken(ada({ scope: 'A' })))).toBe('CONTENTION');
  expect(database.written).not.toContain('A');
});

it('V1 a record that is added under an id again begins above every version it had', async () => {
  await storeA.saveToken(ada({ id: 'x' }));
  await storeA.saveToken(ada({ id: 'x' }));
  await storeB.deleteToken('x');
  await expect(storeA.saveToken(ada({ id: 'x' }))).resolves.toMatchObject({ version: 3 });
  await expect(storeA.saveToken(new OAuthToken({ refreshToken: 'n' }))).resolves.toMatchObject({
    version: 1,
  });
});

it('random saves and deletes of two processes on a bad network are each done at most once, and once if acknowledged', async () => {
  const fault = fc.constantFrom<Fault | undefined>(
    undefined,
    undefined,
    'not sent',
    'answer lost',
    'late',
  );
  const call = fc.record({
    process: fc.constantFrom('a', 'b'),
    fault,
    kind: fc.constantFrom('save', 'save', 'save', 'save by id', 'add', 'delete'),
    user: fc.constantFrom('ada', 'eve'),
  });
  const seen = { saved: 0, failed: 0 };
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 2, maxLength: 12 }), async (calls) => {
      const shared = new MemoryDatabase();
      const engines = { a: new MemoryEngine(shared), b: new MemoryEngine(shared) };
      const stores = {
        a: new StorageTokenStore(new OptimisticStorage(engines.a)),
        b: new StorageTokenStore(new OptimisticStorage(engines.b)),
      };
      const outcomes = await Promise.all(
        calls.map(async ({ process, fault: next, kind, user }, index) => {
          const store = stores[process === 'a' ? 'a' : 'b'];
          engines[process === 'a' ? 'a' : 'b'].faults.push(next);
          if (kind === 'delete') return codeOf(store.deleteToken(user));
          return codeOf(
            store.saveToken(
              new OAuthToken({
                ...(kind === 'save by id' ? { id: user } : {}),
                ...(kind === 'add'
                  ? { refreshToken: `r${index}` }
                  : { refreshToken: `of ${user}` }),
                scope: `${index}`,
              }),
            ),
          );
        }),
      );
      for (const apply of shared.late.splice(0)) apply();
      for (const [index, outcome] of outcomes.entries()) {
        if (calls[index]?.kind === 'delete') continue;
        const times = shared.written.filter((scope) => scope === `${index}`).length;
        if (outcome === 'saved') expect(times, `call ${index}`).toBe(1);
        else expect(times, `call ${index} ${outcome}`).toBeLessThanOrEqual(1);
        seen[outcome === 'saved' ? 'saved' : 'failed'] += 1;
      }
      const keys = [...shared.entries.values()].map(({ record }) => record.refreshToken);
      expect(new Set(keys).size, 'A1 one record a key').toBe(keys.length);
    }),
    { numRuns: 400 },
  );
  // The generator makes what it is meant to make.
  expect(seen.saved).toBeGreaterThan(1000);
  expect(seen.failed).toBeGreaterThan(50);
}, 60_000);
