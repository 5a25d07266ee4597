import { Firestore } from '@google-cloud/firestore';
import type { OAuthToken, SaveOptions } from '@tokenkeep/core';
import { type FaultyProxy, startFaultyProxy } from '@tokenkeep/test-servers';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FirestoreTokenStore, type FirestoreTokenStoreOptions } from '../src/index.ts';
import { Emulator, failure, save, user } from './emulator.ts';

const emulator = Emulator.forThisFile();
const ada = user('ada');
const contents = ({ accessToken, version }: OAuthToken) => ({ accessToken, version });

let proxy: FaultyProxy;
beforeAll(async () => {
  if (emulator.server === undefined) throw new Error('no emulator');
  proxy = await startFaultyProxy({ target: emulator.server });
});
beforeEach(() => proxy.pass());
afterAll(() => proxy.stop());
const throughProxy = () => emulator.settings(`${proxy.host}:${proxy.port}`);
const through = (options: Partial<FirestoreTokenStoreOptions> = {}) =>
  emulator.open(emulator.newCollection(), { options: throughProxy(), ...options });

describe('F1 the answer to a save is lost', () => {
  /**
   * A saves version 2 and does not learn of it; `meanwhile` happens; A's connection breaks, and works
   * again.
   */
  async function loseAnswer(
    one: FirestoreTokenStore,
    two: FirestoreTokenStore,
    options: SaveOptions,
    meanwhile: () => Promise<unknown>,
  ): Promise<OAuthToken> {
    await save(one, { ...ada, accessToken: 'first' });
    proxy.dropReplies();
    const saving = save(one, { ...ada, accessToken: 'of A' }, options);
    saving.catch(() => {});
    const version = async () => (await two.getTokens())[0]?.version;
    await expect.poll(version, { timeout: 30_000 }).toBe(2);
    await meanwhile();
    proxy.cut();
    proxy.pass();
    return saving;
  }

  it.each([{}, { ifVersion: 1 }])(
    'and another has saved since: it stays, and the save is done (%j)',
    async (options) => {
      const collection = emulator.newCollection();
      await using one = emulator.open(collection, { options: throughProxy() });
      await using two = emulator.open(collection);
      const saved = await loseAnswer(one, two, options, () =>
        save(two, { ...ada, accessToken: 'of B' }),
      );
      expect(saved).toMatchObject({ accessToken: 'of A', version: 2 });
      expect((await two.getTokens()).map(contents)).toEqual([{ accessToken: 'of B', version: 3 }]);
    },
  );

  it('by a client that was handed in, and sends it again by itself', async () => {
    const firestore = new Firestore(throughProxy());
    const collection = emulator.newCollection();
    await using two = emulator.open(collection);
    const one = new FirestoreTokenStore({ firestore, collection });
    const saved = await loseAnswer(one, two, {}, () => save(two, { ...ada, accessToken: 'of B' }));
    expect(saved).toMatchObject({ accessToken: 'of A', version: 2 });
    expect((await two.getTokens()).map(contents)).toEqual([{ accessToken: 'of B', version: 3 }]);
    await one.close();
    await firestore.terminate();
  });

  it('and another has deleted it since: it does not come back', async () => {
    const collection = emulator.newCollection();
    await using one = emulator.open(collection, { options: throughProxy() });
    await using two = emulator.open(collection);
    const saving = loseAnswer(one, two, {}, () => two.deleteTokens());
    expect(await failure(saving)).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
    expect(await two.getTokens()).toEqual([]);
  });
});

describe('a call that was given up', () => {
  it('does nothing more when the server is back', async () => {
    const collection = emulator.newCollection();
    const one = emulator.open(collection, { options: throughProxy(), timeout: 1000 });
    await using two = emulator.open(collection);
    const { id = '' } = await save(one, { ...ada, accessToken: 'first' });
    proxy.refuse();
    const error = await failure(save(one, { ...ada, accessToken: 'late' }));
    expect(['TIMEOUT', 'CONNECTION_FAILED']).toContain(error.code);
    expect(error.message).toContain(`${proxy.host}:${proxy.port}`);
    expect(['TIMEOUT', 'CONNECTION_FAILED']).toContain((await failure(one.deleteTokens())).code);
    expect(['TIMEOUT', 'CONNECTION_FAILED']).toContain((await failure(one.deleteToken(id))).code);
    proxy.pass();
    // Closing waits for what the client may still be doing.
    await one.close();
    expect((await two.getTokens()).map(contents)).toEqual([{ accessToken: 'first', version: 1 }]);
  });

  it.each([
    ['refuses connections', () => proxy.refuse()],
    ['is silent', () => proxy.dropReplies()],
  ])('ends although the server %s, and closing ends', async (_what, fail) => {
    const store = through({ timeout: 1000 });
    await save(store, { ...ada, refreshToken: 'r' });
    fail();
    const calls = [
      store.getTokens(),
      store.findTokenById('i'),
      save(store, { ...ada, accessToken: 'a' }),
      store.deleteToken('i'),
      store.deleteTokens(),
    ];
    for (const { code } of await Promise.all(calls.map(failure))) {
      expect(['TIMEOUT', 'CONNECTION_FAILED']).toContain(code);
    }
    await store.close();
  });
});

describe('a connection that fails', () => {
  it('rejects in time, and the store works again when the server does', async () => {
    await using store = through({ timeout: 2000 });
    await save(store, { ...user('ada'), refreshToken: 'r' });
    proxy.refuse();
    proxy.cut();
    expect(['TIMEOUT', 'CONNECTION_FAILED']).toContain((await failure(store.getTokens())).code);
    proxy.pass();
    const recovered = async () => (await store.getTokens()).length;
    await expect.poll(() => recovered().catch(() => 0), { timeout: 30_000 }).toBe(1);
  });

  it('never doubles or loses what was acknowledged while it is cut again and again', async () => {
    await using store = through({ timeout: 5000 });
    let acknowledged = 0;
    for (let round = 0; round < 20; round += 1) {
      const saving = save(store, { ...user('ada'), accessToken: `a${round}` });
      if (round % 4 === 3) proxy.cut();
      const version = await saving.then(
        (token) => token.version ?? 0,
        () => 0,
      );
      acknowledged = Math.max(acknowledged, version);
    }
    await expect
      .poll(
        () =>
          store.getTokens().then(
            (tokens) => tokens.length,
            () => 0,
          ),
        { timeout: 30_000 },
      )
      .toBe(1);
    const [record] = await store.getTokens();
    expect(record?.version).toBeGreaterThanOrEqual(acknowledged);
    expect(record?.version).toBeLessThanOrEqual(20);
  });
});
