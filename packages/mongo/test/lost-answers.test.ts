import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import { type FaultyProxy, type MongoServer, startFaultyProxy } from '@tokenkeep/test-servers';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MongoTokenStore } from '../src/index.ts';
import { sharedMongo } from './definition.ts';

let server: MongoServer;
let proxy: FaultyProxy;
const database = `tokenkeep_lost_${process.pid}`;
const ada = { userSignature: { name: 'ada' } };
const save = (store: MongoTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));

beforeAll(async () => {
  server = await sharedMongo();
  proxy = await startFaultyProxy({ target: { host: server.host, port: server.port } });
}, 180_000);
afterAll(async () => {
  await using client = new MongoClient(server.url);
  await client.db(database).dropDatabase();
  await proxy.stop();
});

it.each([
  [
    'the store made its client',
    (collection: string) => ({ url: proxy.urlFor(server.url), collection }),
  ],
  [
    'the client resends writes',
    (collection: string) => {
      const client = new MongoClient(proxy.urlFor(server.url), { retryWrites: true });
      return { client, collection };
    },
  ],
] as const)(
  'a save whose answer was lost does not write over a newer one: %s',
  async (title, optionsFor) => {
    const collection = title.replaceAll(' ', '_');
    const options = optionsFor(collection);
    await using a = new MongoTokenStore({ ...options, database });
    await using b = new MongoTokenStore({ url: server.url, database, collection });
    await save(a, { ...ada, refreshToken: 'r' });
    for (let round = 0; round < 5; round += 1) {
      const version = 1 + 2 * round;
      const { reset } = proxy.counts;
      proxy.dropNextReply((request) => request.includes(`a${round}`) && request.includes('update'));
      const saving = a.saveToken(new OAuthToken({ ...ada, accessToken: `a${round}` }), {
        ifVersion: version,
      });
      // As soon as it is there, and while its answer is on its way or lost.
      let newer: OAuthToken | undefined;
      while (newer === undefined) {
        newer = await b
          .saveToken(new OAuthToken({ ...ada, accessToken: `b${round}` }), {
            ifVersion: version + 1,
          })
          .catch(() => undefined);
      }
      expect(await saving).toMatchObject({ version: version + 1, accessToken: `a${round}` });
      expect(proxy.counts.reset).toBe(reset + 1);
      expect(await b.findToken(new OAuthToken(ada))).toMatchObject({
        version: version + 2,
        accessToken: `b${round}`,
      });
    }
    if ('client' in options) await options.client.close();
  },
);

it.each([
  ['what is claimed first', 'insert', 'CONNECTION_FAILED'],
  ['a mark', 'isAbsorbed', 'CONNECTION_FAILED'],
  ['the decision', 'participants', 'saved'],
])(
  'a save of several documents of which an answer was lost is done once: that to %s',
  async (title, request, outcome) => {
    const collection = title.replaceAll(' ', '_');
    const url = proxy.urlFor(server.url);
    await using store = new MongoTokenStore({ url, database, collection });
    await save(store, { ...ada, clientId: '1', refreshToken: 'r1' });
    const { reset } = proxy.counts;
    proxy.dropNextReply((bytes) => bytes.includes(request));
    const second = { ...ada, clientId: '2', refreshToken: 'r2' };
    const saved = await save(store, second).then(
      () => 'saved',
      ({ code }) => code,
    );
    expect(saved).toBe(outcome);
    expect(proxy.counts.reset).toBe(reset + 1);
    expect(await save(store, second)).toMatchObject({ version: outcome === 'saved' ? 2 : 1 });
    expect(await store.getTokens()).toHaveLength(2);
  },
);

it('a deletion whose answer was lost may have happened', async () => {
  await using store = new MongoTokenStore({ url: proxy.urlFor(server.url), database });
  const { id = '' } = await save(store, { ...ada, refreshToken: 'r' });
  proxy.dropNextReply((request) => request.includes('deletes'));
  await expect(store.deleteToken(id)).rejects.toMatchObject({
    code: 'CONNECTION_FAILED',
    retryable: true,
  });
  await store.deleteToken(id);
  expect(await store.getTokens()).toEqual([]);
});

it('a connection that fails is an error with host and port, and without user and password', async () => {
  const url =
    'mongodb://admin:S3cretPass@127.0.0.1:1/?authSource=admin&serverSelectionTimeoutMS=200';
  await using store = new MongoTokenStore({ url });
  const error = await store.ready().catch((failure: unknown) => failure);
  expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
  expect(String(error)).toContain('127.0.0.1:1');
  expect(String(error)).not.toMatch(/admin|S3cret|authSource/);
});
