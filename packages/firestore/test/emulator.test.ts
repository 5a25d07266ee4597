import { Firestore } from '@google-cloud/firestore';
import { OAuthToken, type TokenInit, type TokenStoreError } from '@tokenkeep/core';
import { RACING_SAVES, race } from '@tokenkeep/load-checks';
import {
  type FaultyProxy,
  type FirestoreServer,
  startFaultyProxy,
  startFirestore,
} from '@tokenkeep/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FirestoreTokenStore, type FirestoreTokenStoreOptions } from '../src/index.ts';

// The emulator asks for no credentials; without this the client looks for them on the network.
process.env['METADATA_SERVER_DETECTION'] = 'none';

let server: FirestoreServer;
let collections = 0;
const newCollection = () => `tokens${++collections}`;
const open = (collection: string, options: Partial<FirestoreTokenStoreOptions> = {}) =>
  new FirestoreTokenStore({ options: settingsFor(server.hostAndPort), collection, ...options });
const settingsFor = (host: string) => ({ projectId: 'tokenkeep-test', host, ssl: false });
const save = (store: FirestoreTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const user = (name: string) => ({ userSignature: { name } });
const failure = (promise: Promise<unknown>): Promise<TokenStoreError> =>
  promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error) => error,
  );

beforeAll(async () => {
  server = await startFirestore();
}, 180_000);
afterAll(() => server.stop());

describe('racing saves that share a key leave one record', () => {
  it.each(RACING_SAVES)('%s', async (_case, pair) => {
    const collection = newCollection();
    await using one = open(collection);
    await using two = open(collection);
    expect(await race([one, two], pair, 10)).toEqual(Array.from({ length: 10 }, () => 0));
  });

  it('and one of another client beside it, while that comes and goes', async () => {
    const collection = newCollection();
    await using one = open(collection);
    await using two = open(collection);
    await using three = open(collection);
    for (let round = 0; round < 10; round += 1) {
      const ada = user(`ada${round}`);
      const other = await save(one, { ...ada, clientId: 'c1', refreshToken: 'r' });
      await Promise.all([
        save(one, { ...ada, clientId: 'c2', refreshToken: 'r' }),
        save(two, { ...ada, clientId: 'c2', refreshToken: 'r' }),
        three.deleteToken(other.id ?? ''),
      ]);
      const left = (await one.getTokens()).filter(
        (token) => token.userSignature?.name === `ada${round}`,
      );
      expect(left.map((token) => token.clientId)).toEqual(['c2']);
    }
  });
});

describe('what a store found or wrote before', () => {
  it('is shared by another store: it is ambiguous from now on, and not taken for the only one', async () => {
    const collection = newCollection();
    await using one = open(collection);
    await using two = open(collection);
    await save(one, { ...user('ada'), clientId: 'c1', refreshToken: 'r' });
    const wanted = new OAuthToken(user('ada'));
    expect((await one.findToken(wanted))?.clientId).toBe('c1');
    await save(two, { ...user('ada'), clientId: 'c2', refreshToken: 's' });
    expect((await failure(one.findToken(wanted))).code).toBe('AMBIGUOUS_TOKEN');
    expect((await failure(save(one, { ...user('ada'), accessToken: 'a' }))).code).toBe(
      'AMBIGUOUS_TOKEN',
    );
    expect((await one.getTokens()).map(({ version }) => version)).toEqual([1, 1]);
  });

  it('was changed by another store: the change is read, and what is saved is joined to it', async () => {
    const collection = newCollection();
    await using one = open(collection);
    await using two = open(collection);
    await save(one, { ...user('ada'), refreshToken: 'r' });
    await save(two, { ...user('ada'), refreshToken: 's' });
    expect(await one.findToken(new OAuthToken({ refreshToken: 'r' }))).toBeNull();
    const saved = await save(one, { ...user('ada'), accessToken: 'a' });
    expect(saved).toMatchObject({ refreshToken: 's', accessToken: 'a', version: 3 });
  });

  it('was deleted by another store: it is not found, and is added anew', async () => {
    const collection = newCollection();
    await using one = open(collection);
    await using two = open(collection);
    const { id } = await save(one, { ...user('ada'), refreshToken: 'r' });
    await two.deleteToken(id ?? '');
    expect(await one.findToken(new OAuthToken(user('ada')))).toBeNull();
    expect(await save(one, { ...user('ada'), refreshToken: 'r' })).toMatchObject({ version: 1 });
  });
});

describe('a value that two clients share', () => {
  it('can be used again after both records are gone', async () => {
    const collection = newCollection();
    await using store = open(collection);
    for (let round = 0; round < 3; round += 1) {
      await save(store, { ...user('ada'), clientId: 'c1', refreshToken: 'r' });
      await save(store, { ...user('ada'), clientId: 'c2', refreshToken: 'r' });
      expect(await store.getTokens()).toHaveLength(2);
      await store.deleteTokens();
      expect(await store.getTokens()).toEqual([]);
    }
  });
});

describe('documents of keys', () => {
  it('go with the values that they stand for', async () => {
    const collection = newCollection();
    await using store = open(collection);
    const client = new Firestore(settingsFor(server.hostAndPort));
    const count = async () =>
      (await client.collection(`${collection}_keys`).listDocuments()).length;
    const { id } = await save(store, { ...user('ada'), refreshToken: 'r', accessToken: 'a1' });
    expect(await count()).toBe(3);
    await save(store, { ...user('ada'), accessToken: 'a2' });
    expect(await count()).toBe(3);
    await store.deleteToken(id ?? '');
    expect(await count()).toBe(0);
    await client.terminate();
  });
});

it('deleteTokens removes more records than one commit can', async () => {
  const collection = newCollection();
  await using store = open(collection);
  await using neighbour = open(`${collection}x`);
  await save(neighbour, { refreshToken: 'r' });
  await Promise.all(
    Array.from({ length: 600 }, (_, n) => save(store, { ...user(`u${n}`), refreshToken: `r${n}` })),
  );
  expect(await store.getTokens()).toHaveLength(600);
  await store.deleteTokens();
  expect(await store.getTokens()).toEqual([]);
  expect(await neighbour.getTokens()).toHaveLength(1);
});

it('a client that was handed in is used and not closed', async () => {
  const client = new Firestore(settingsFor(server.hostAndPort));
  const store = new FirestoreTokenStore({ firestore: client, collection: newCollection() });
  await save(store, { refreshToken: 'r' });
  await store.close();
  expect((await client.listCollections()).length).toBeGreaterThan(0);
  await client.terminate();
});

describe('a connection that fails', () => {
  let proxy: FaultyProxy;
  beforeAll(async () => {
    proxy = await startFaultyProxy({ target: { host: server.host, port: server.port } });
  });
  afterAll(() => proxy.stop());
  const through = (options: Partial<FirestoreTokenStoreOptions> = {}) =>
    open(newCollection(), { options: settingsFor(`${proxy.host}:${proxy.port}`), ...options });

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
