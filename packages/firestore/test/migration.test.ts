import { readFileSync } from 'node:fs';
import { OAuthToken } from '@tokenkeep/core';
import { expect, it } from 'vitest';
import { Emulator, failure, save, user } from './emulator.ts';

const emulator = Emulator.forThisFile();

interface Dump {
  readonly [collection: string]: readonly { readonly name: string; readonly fields: object }[];
}

/** Six records and their key documents, as the former version left them. */
const dump: Dump = JSON.parse(
  readFileSync(new URL('former/version-1.json', import.meta.url), 'utf8'),
);

/** @returns the name of a collection with the documents of the former version */
async function formerCollection(): Promise<string> {
  const collection = emulator.newCollection();
  const client = emulator.client();
  for (const [name, docs] of Object.entries(dump)) {
    const place = client.collection(name.replace('oauthtoken', collection));
    // One after the other: records are in the order in which they were created.
    for (const { name, fields } of docs) await place.doc(name).create(fields);
  }
  await client.terminate();
  return collection;
}

it('documents of the former version keep every record, and take the new fields', async () => {
  await using store = emulator.open(await formerCollection());
  const [first, ...others] = await store.getTokens();
  expect(first?.toRecord()).toEqual({
    id: '86cbca2ec39266d81a0e0badbed47d1b',
    userName: 'zoe',
    clientId: 'c1',
    clientSecret: 's1',
    redirectUrl: 'https://example.com/back',
    refreshToken: 'zoe-r',
    accessToken: 'zoe-a',
    apiDomain: 'https://api.example.com',
    scope: 'read write',
    tokenType: 'Bearer',
    expiresAt: 1_800_000_000_123,
    extra: { note: 'é', nested: { list: [1, null, true] } },
    version: 1,
  });
  expect(others.map(({ refreshToken, version }) => [refreshToken, version])).toEqual([
    ['ada-r1', 1],
    ['ada-r2', 1],
    ['bob-r', 3],
    ['own-r', 1],
  ]);
  const ada = { ...user('ada'), clientId: 'c1' };
  expect((await failure(store.findToken(new OAuthToken(user('ada'))))).code).toBe(
    'AMBIGUOUS_TOKEN',
  );
  await save(store, { ...ada, issuer: 'https://issuer', resource: 'r', lease: 'l' });
  expect(await store.findToken(new OAuthToken(ada))).toMatchObject({
    version: 2,
    issuer: 'https://issuer',
  });
  // A value that two had in the former version, of which the key document was left.
  expect(await save(store, { ...user('eve'), refreshToken: 'e' })).toMatchObject({ version: 1 });
  expect(await store.getTokens()).toHaveLength(6);
  await store.deleteToken('my-own-id');
  expect(await save(store, { id: 'my-own-id', refreshToken: 'own-r' })).toMatchObject({
    version: 2,
  });
  await store.deleteTokens();
  expect(await store.getTokens()).toEqual([]);
});

it('S2 two stores migrate at once, and the former version refuses what is there then', async () => {
  const collection = await formerCollection();
  await using one = emulator.open(collection);
  await using two = emulator.open(collection);
  await Promise.all([one.ready(), two.ready()]);
  for (const store of [one, two]) expect(await store.getTokens()).toHaveLength(5);
  const client = emulator.client();
  const { docs } = await client.collection(collection).get();
  expect(docs).toHaveLength(6);
  // It takes what is no map with an id for RECORD_CORRUPT.
  for (const doc of docs) expect(typeof doc.get('record')).not.toBe('object');
  await client.terminate();
});

it('a record that the former version adds after the migration is found, and listed from then on', async () => {
  const collection = emulator.newCollection();
  await using store = emulator.open(collection);
  await store.ready();
  const client = emulator.client();
  const [zoe] = dump['oauthtoken'] ?? [];
  await client
    .collection(collection)
    .doc(zoe?.name ?? '')
    .create(zoe?.fields ?? {});
  await client.terminate();
  expect(await store.findToken(new OAuthToken(user('zoe')))).toMatchObject({
    accessToken: 'zoe-a',
  });
  expect(await store.getTokens()).toHaveLength(1);
});

it('a damaged document of the former version is left as it is, and makes no other fail', async () => {
  const collection = await formerCollection();
  const client = emulator.client();
  const damaged = client.collection(collection).doc('damaged');
  await damaged.create({ record: 'no map', keys: ['k'], shared: [], writer: 'w' });
  await using store = emulator.open(collection);
  expect(await store.findTokenById('my-own-id')).toMatchObject({ refreshToken: 'own-r' });
  expect((await failure(store.getTokens())).code).toBe('RECORD_CORRUPT');
  expect((await damaged.get()).get('record')).toBe('no map');
  await client.terminate();
});

it('a document of the former version whose JSON does not fit into one is kept, too', async () => {
  const collection = await formerCollection();
  const client = emulator.client();
  // Six characters of JSON for each.
  const long = '\u0001'.repeat(65_536);
  const record = { id: 'full', version: 1, refreshToken: long, accessToken: long, scope: long };
  const doc = { record, keys: [], shared: [], writer: 'w' };
  await client.collection(collection).doc('full').create(doc);
  await using store = emulator.open(collection);
  const tokens = await store.getTokens();
  expect(tokens.find(({ id }) => id === 'full')?.toRecord()).toEqual(record);
  await client.terminate();
});

it('a collection of a later version is refused', async () => {
  const collection = emulator.newCollection();
  const client = emulator.client();
  await client.collection(collection).doc('store').create({ schema: 3 });
  await using store = emulator.open(collection);
  expect((await failure(store.ready())).code).toBe('SCHEMA_UNKNOWN');
  await client.terminate();
});
