import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import { type RedisServer, startRedis } from '@tokenkeep/test-servers';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RedisTokenStore } from '../src/index.ts';

// What a store remembers of the hash is only a hint: here it is wrong.

const save = (store: RedisTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const ada = { userSignature: { name: 'ada' } };
const bob = { userSignature: { name: 'bob' } };

let server: RedisServer;
let prefixes = 0;
const newPrefix = () => `remembered${process.pid}_${++prefixes}:`;
beforeAll(async () => {
  server = await startRedis();
}, 300_000);
afterAll(() => server.stop());

it('a record that got a key from another process is renamed by its id', async () => {
  const options = { url: server.url, prefix: newPrefix() };
  await using one = new RedisTokenStore(options);
  await using two = new RedisTokenStore(options);
  const { id } = await save(one, { ...ada, refreshToken: 'r' });
  await save(two, { ...ada, grantToken: 'g' });
  const renamed = await save(one, { id, ...bob });
  expect(renamed.toRecord()).toMatchObject({ id, userName: 'bob', grantToken: 'g', version: 3 });
  expect(await two.findToken(new OAuthToken(ada))).toBeNull();
});

it('a record is not taken for the only one of its user, who got another from another process', async () => {
  const options = { url: server.url, prefix: newPrefix() };
  await using one = new RedisTokenStore(options);
  await using two = new RedisTokenStore(options);
  await save(one, { ...ada, clientId: '1', refreshToken: 'r' });
  await save(two, { ...ada, clientId: '2', refreshToken: 's' });
  await expect(save(one, { ...ada, accessToken: 'a' })).rejects.toMatchObject({
    code: 'AMBIGUOUS_TOKEN',
  });
  expect((await two.getTokens()).map(({ version }) => version)).toEqual([1, 1]);
});

it('a client that gives numbers as text is as good', async () => {
  const client = new Redis(server.url, { stringNumbers: true, maxRetriesPerRequest: 0 });
  await using store = new RedisTokenStore({ client, prefix: newPrefix() });
  await save(store, { ...ada, refreshToken: 'r' });
  const again = await save(store, { ...ada, accessToken: 'a' });
  expect(again.version).toBe(2);
  client.disconnect();
});

it('calls that fail together each tell their own operation', async () => {
  await using store = new RedisTokenStore({
    client: { call: () => new Promise(() => {}) },
    timeout: 50,
  });
  const failures = await Promise.all([
    store.findToken(new OAuthToken(ada)).catch((error) => error),
    store.deleteToken('1').catch((error) => error),
  ]);
  expect(failures).toMatchObject([{ operation: 'findToken' }, { operation: 'deleteToken' }]);
});
