import { Query, WriteBatch } from '@google-cloud/firestore';
import { OAuthToken } from '@tokenkeep/core';
import { RACING_SAVES, race } from '@tokenkeep/load-checks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { FirestoreTokenStore } from '../src/index.ts';
import { Emulator, failure, save, user } from './emulator.ts';

const emulator = Emulator.forThisFile();

afterEach(() => vi.restoreAllMocks());

/** Does something between the moment when the next commit was decided on, and the commit. */
function beforeNextCommit(work: () => Promise<unknown>): void {
  const { commit } = WriteBatch.prototype;
  vi.spyOn(WriteBatch.prototype, 'commit').mockImplementationOnce(async function (
    this: WriteBatch,
  ) {
    await work();
    return commit.call(this);
  });
}

describe('racing saves that share a key leave one record', () => {
  it.each(RACING_SAVES)('%s', async (_case, pair) => {
    const collection = emulator.newCollection();
    await using one = emulator.open(collection);
    await using two = emulator.open(collection);
    expect(await race([one, two], pair, 10)).toEqual(Array.from({ length: 10 }, () => 0));
  });

  it('and one of another client beside it, while that comes and goes', async () => {
    const collection = emulator.newCollection();
    await using one = emulator.open(collection);
    await using two = emulator.open(collection);
    await using three = emulator.open(collection);
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
    const collection = emulator.newCollection();
    await using one = emulator.open(collection);
    await using two = emulator.open(collection);
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
    const collection = emulator.newCollection();
    await using one = emulator.open(collection);
    await using two = emulator.open(collection);
    await save(one, { ...user('ada'), refreshToken: 'r' });
    await save(two, { ...user('ada'), refreshToken: 's' });
    expect(await one.findToken(new OAuthToken({ refreshToken: 'r' }))).toBeNull();
    const saved = await save(one, { ...user('ada'), accessToken: 'a' });
    expect(saved).toMatchObject({ refreshToken: 's', accessToken: 'a', version: 3 });
  });

  it('was deleted by another store: it is not found, and is added anew', async () => {
    const collection = emulator.newCollection();
    await using one = emulator.open(collection);
    await using two = emulator.open(collection);
    const { id } = await save(one, { ...user('ada'), refreshToken: 'r' });
    await two.deleteToken(id ?? '');
    expect(await one.findToken(new OAuthToken(user('ada')))).toBeNull();
    expect(await save(one, { ...user('ada'), refreshToken: 'r' })).toMatchObject({ version: 1 });
  });
});

describe('a value that two clients share', () => {
  it('can be used again after both records are gone', async () => {
    const collection = emulator.newCollection();
    await using store = emulator.open(collection);
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
    const collection = emulator.newCollection();
    await using store = emulator.open(collection);
    const client = emulator.client();
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

it('a client that was handed in is used and not closed', async () => {
  const client = emulator.client();
  const store = new FirestoreTokenStore({
    firestore: client,
    collection: emulator.newCollection(),
  });
  await save(store, { refreshToken: 'r' });
  await store.close();
  expect((await client.listCollections()).length).toBeGreaterThan(0);
  await client.terminate();
});

describe('what happens between the reading and the commit is not missed', () => {
  it('a third record joins a value that two share already', async () => {
    const collection = emulator.newCollection();
    await using one = emulator.open(collection);
    await using two = emulator.open(collection);
    const ada = user('ada');
    for (const clientId of ['c1', 'c2'])
      await save(one, { ...ada, clientId, accessToken: clientId });
    const third = (refreshToken: string) => ({ ...ada, clientId: 'c3', refreshToken });
    beforeNextCommit(() => save(two, third('of two')));
    expect((await save(one, third('of one'))).version).toBe(2);
    expect((await one.getTokens()).map(({ clientId }) => clientId)).toEqual(['c1', 'c2', 'c3']);
  });

  it('two that share a value go, and one comes in their place that names no client', async () => {
    const collection = emulator.newCollection();
    await using one = emulator.open(collection);
    await using two = emulator.open(collection);
    await save(one, { clientId: 'c1', refreshToken: 'r' });
    await save(one, { clientId: 'c2', refreshToken: 'r' });
    beforeNextCommit(async () => {
      await two.deleteTokens();
      await save(two, { refreshToken: 'r', scope: 's' });
    });
    await save(one, { clientId: 'c3', refreshToken: 'r' });
    expect((await one.getTokens()).map(({ clientId, scope }) => [clientId, scope])).toEqual([
      ['c3', 's'],
    ]);
  });

  it('a record comes to have the id that the token names, while it matches another by its refresh token', async () => {
    const collection = emulator.newCollection();
    await using one = emulator.open(collection);
    await using two = emulator.open(collection);
    await save(one, { refreshToken: 'r' });
    beforeNextCommit(() => save(two, { id: 'mine', accessToken: 'a' }));
    await save(one, { id: 'mine', refreshToken: 'r', scope: 's' });
    expect((await one.getTokens()).map((token) => token.toRecord())).toEqual([
      { id: 'mine', accessToken: 'a', refreshToken: 'r', scope: 's', version: 2 },
    ]);
  });

  it.each(['another store', 'the same store'])(
    'V1 a record is added under the same id, and %s deletes it',
    async (who) => {
      const collection = emulator.newCollection();
      await using one = emulator.open(collection);
      await using two = emulator.open(collection);
      await one.ready();
      vi.spyOn(Query.prototype, 'get').mockImplementationOnce(async function (this: Query) {
        const found = await this.get();
        for (const accessToken of ['a', 'b']) await save(two, { id: 'mine', accessToken });
        await (who === 'the same store' ? one : two).deleteToken('mine');
        return found;
      });
      expect((await save(one, { id: 'mine', refreshToken: 'r' })).version).toBe(3);
    },
  );
});

it('V1 the version of an absorbed record does not come again for its id', async () => {
  await using store = emulator.open(emulator.newCollection());
  for (const scope of ['1', '2', '3']) await save(store, { id: 'gone', refreshToken: 'r', scope });
  await save(store, { ...user('ada'), accessToken: 'a' });
  await save(store, { ...user('ada'), refreshToken: 'r' });
  expect(await store.findTokenById('gone')).toBeNull();
  expect((await save(store, { id: 'gone', refreshToken: 'x' })).version).toBe(4);
});

it('a key document without a record does not stand in the way', async () => {
  const collection = emulator.newCollection();
  await using store = emulator.open(collection);
  const { id = '' } = await save(store, { refreshToken: 'r' });
  const client = emulator.client();
  const [key] = await client.collection(`${collection}_keys`).listDocuments();
  await store.deleteToken(id);
  await key?.create({});
  expect((await save(store, { refreshToken: 'r' })).version).toBe(1);
  await client.terminate();
});

describe('many records', () => {
  const count = 600;
  const collection = 'many';
  const init = (n: number) => ({ ...user(`u${n}`), refreshToken: `r${n}` });
  const ids = (tokens: readonly OAuthToken[]) => tokens.map(({ id }) => id);

  it('are given in pages, each record once, whatever is saved and deleted meanwhile', async () => {
    await using store = emulator.open(collection);
    await Promise.all(Array.from({ length: count }, (_, n) => save(store, init(n))));
    const all = await store.getTokens();
    expect(new Set(ids(all)).size).toBe(count);
    const seen: OAuthToken[] = [];
    for await (const token of store.tokens()) {
      if (seen.length === 0) {
        // One that comes later, and one that came already: neither comes again or is left out.
        await save(store, { id: token.id, refreshToken: 'new' });
        await save(store, { id: all[599]?.id, refreshToken: 'newer' });
        await store.deleteToken(all[299]?.id ?? '');
      }
      seen.push(token);
    }
    const wasDeleted = all[299]?.id;
    expect(ids(seen).filter((id) => id !== wasDeleted)).toEqual(
      ids(all).filter((id) => id !== wasDeleted),
    );
  });

  it('are deleted, and what is saved meanwhile stays', async () => {
    await using store = emulator.open(collection);
    await using other = emulator.open(collection);
    await using neighbour = emulator.open(`${collection}x`);
    await save(neighbour, { refreshToken: 'r' });
    beforeNextCommit(async () => {
      await save(other, init(0));
      await save(other, { refreshToken: 'newcomer' });
    });
    await store.deleteTokens();
    expect((await store.getTokens()).map(({ refreshToken }) => refreshToken)).toEqual(['newcomer']);
    expect(await neighbour.getTokens()).toHaveLength(1);
  });
});

it('all records are deleted although one of them is saved again whenever several are about to go', async () => {
  const collection = emulator.newCollection();
  await using one = emulator.open(collection);
  await using two = emulator.open(collection);
  for (const id of ['a', 'b']) await save(one, { id, accessToken: id });
  const deletes = vi.spyOn(WriteBatch.prototype, 'delete');
  const { commit } = WriteBatch.prototype;
  vi.spyOn(WriteBatch.prototype, 'commit').mockImplementation(async function (this: WriteBatch) {
    const count = deletes.mock.contexts.filter((batch) => batch === this).length;
    // A record and the document of its access token are two.
    if (count > 2) await save(two, { id: 'b', accessToken: `a${deletes.mock.calls.length}` });
    return commit.call(this);
  });
  await one.deleteTokens();
  expect(await one.getTokens()).toEqual([]);
});

it('a client that gives whole numbers as BigInt does not matter', async () => {
  const firestore = emulator.client({ useBigInt: true });
  const collection = emulator.newCollection();
  const store = new FirestoreTokenStore({ firestore, collection });
  const saved = await save(store, { id: 'i', refreshToken: 'r', expiresAt: 1_900_000_000_000 });
  expect(await store.getTokens()).toEqual([saved]);
  await store.deleteToken('i');
  await using other = new FirestoreTokenStore({ firestore, collection });
  expect((await save(other, { id: 'i', refreshToken: 'r' })).version).toBe(2);
  await store.close();
  await firestore.terminate();
});
