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

it('a save that is sent again after many others, and decided anew, is another write', async () => {
  const options = { url: server.url, prefix: newPrefix() };
  await using watcher = new RedisTokenStore(options);
  await using other = new RedisTokenStore(options);
  await save(other, { ...ada, refreshToken: 'r' });
  const connection = new Redis(server.url);
  let isToBeSentAgain = false;
  await using store = new RedisTokenStore({
    prefix: options.prefix,
    client: {
      // As the client does it when the answer was lost: in between, much happens.
      async call(command, args) {
        const reply = await connection.call(command, args);
        if (!isToBeSentAgain) return reply;
        isToBeSentAgain = false;
        await watcher.findToken(new OAuthToken(ada));
        for (let n = 1; n <= 20; n += 1) await save(other, { ...ada, scope: `scope ${n}` });
        return connection.call(command, args);
      },
    },
  });
  await store.findToken(new OAuthToken(ada));
  isToBeSentAgain = true;
  const { version = 0 } = await save(store, { ...ada, accessToken: 'a' });
  const last = await save(watcher, { ...ada, redirectUrl: 'https://example.com' });
  expect(last.toRecord()).toMatchObject({ scope: 'scope 20', accessToken: 'a' });
  expect(last.version).toBe(version + 1);
  connection.disconnect();
});

it('a client that gives numbers as text is as good', async () => {
  const client = new Redis(server.url, { stringNumbers: true });
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
