import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import { describeServer, type RedisServer, startRedis } from '@tokenkeep/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisTokenStore } from '../src/index.ts';

const save = (store: RedisTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const user = (name: string) => ({ userSignature: { name } });

let server: RedisServer;
let prefixes = 0;
beforeAll(async () => {
  server = await startRedis({ appendonly: true, appendfsync: 'always', own: true });
  console.log(describeServer(server));
}, 300_000);
afterAll(() => server.stop());
const newPrefix = () => `test${++prefixes}:`;

describe('racing saves that share a key leave one record', () => {
  it.each<[string, (round: number) => [TokenInit, TokenInit]]>([
    [
      'of a user with and without the client',
      (n) => [
        { ...user(`u${n}`), refreshToken: 'r' },
        { ...user(`u${n}`), clientId: 'c', refreshToken: 's' },
      ],
    ],
    [
      'of a refresh token with and without the user',
      (n) => [{ refreshToken: `r${n}` }, { ...user(`u${n}`), refreshToken: `r${n}` }],
    ],
  ])('%s', async (_case, pair) => {
    const prefix = newPrefix();
    await using one = new RedisTokenStore({ url: server.url, prefix });
    await using two = new RedisTokenStore({ url: server.url, prefix });
    for (let round = 0; round < 25; round += 1) {
      const [left, right] = pair(round);
      await Promise.all([save(one, left), save(two, right)]);
      expect(await one.getTokens()).toHaveLength(round + 1);
    }
  });
});

it('goes on after SCRIPT FLUSH, and after the server was killed and started again', async () => {
  await using store = new RedisTokenStore({ url: server.url, prefix: newPrefix() });
  await save(store, { ...user('ada'), refreshToken: 'r' });
  await server.command('SCRIPT', 'FLUSH');
  expect((await save(store, { ...user('ada'), accessToken: 'a' })).version).toBe(2);
  await server.kill();
  await server.restart();
  await expect
    .poll(
      () =>
        store.getTokens().then(
          (tokens) => tokens[0]?.version,
          () => 0,
        ),
      { timeout: 30_000 },
    )
    .toBe(2);
});

it('deleteTokens leaves another prefix as it is', async () => {
  await using store = new RedisTokenStore({ url: server.url, prefix: 'a:' });
  await using neighbour = new RedisTokenStore({ url: server.url, prefix: 'a:b:' });
  await save(store, { refreshToken: 'r' });
  await save(neighbour, { refreshToken: 'r' });
  await store.deleteTokens();
  expect(await store.getTokens()).toEqual([]);
  expect(await neighbour.getTokens()).toHaveLength(1);
});

it('a connection to another machine without TLS is refused', () => {
  expect(() => new RedisTokenStore({ url: 'redis://db.example:6379', prefix: 'a:' })).toThrow(
    expect.objectContaining({ code: 'TLS_REQUIRED' }),
  );
});
