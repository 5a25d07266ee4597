import { readFileSync } from 'node:fs';
import { OAuthToken } from '@tokenkeep/core';
import { type RedisServer, startRedis } from '@tokenkeep/test-servers';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisTokenStore } from '../src/index.ts';

/** What a store of format 1 held; the version before this one made it. */
const FORMER: Record<string, string> = JSON.parse(
  readFileSync(new URL('former/format-1.json', import.meta.url), 'utf8'),
);

const user = (name: string) => ({ userSignature: { name } });

let server: RedisServer;
let client: Redis;
let prefixes = 0;
beforeAll(async () => {
  server = await startRedis();
  client = new Redis(server.url);
}, 300_000);
afterAll(async () => {
  client.disconnect();
  await server.stop();
});

async function formerStore(): Promise<{ prefix: string; hash: string }> {
  const prefix = `former${process.pid}_${++prefixes}:`;
  const hash = `${prefix}oauthtoken`;
  await client.hset(hash, FORMER);
  return { prefix, hash };
}

async function expectAll(prefix: string): Promise<void> {
  await using store = new RedisTokenStore({ url: server.url, prefix });
  const records = (await store.getTokens()).map((token) => token.toRecord());
  expect(records).toEqual([
    {
      id: 'a8726c4ba465fb98e64d46cc178e7324',
      version: 2,
      userName: 'ada',
      clientId: 'a',
      clientSecret: 's',
      refreshToken: 'r-ada',
      accessToken: 'a-ada',
      expiresAt: 1_900_000_000_000,
      redirectUrl: 'https://app.example/callback',
      apiDomain: 'https://www.zohoapis.com',
      scope: 'one two',
      tokenType: 'Bearer',
      extra: { version: Number.MAX_SAFE_INTEGER, n: [1, null] },
    },
    {
      id: '166dc01ef17b4b205d06c946003c8a48',
      version: 1,
      userName: 'ada',
      clientId: 'b',
      refreshToken: 'r-ada-b',
      accessToken: 'shared',
    },
    {
      id: '985bd64e8c4b7488b3a5a8cc52f21dd7',
      version: 1,
      userName: 'bob 😀',
      refreshToken: 'r-bob',
      accessToken: 'shared',
    },
    { id: 'e3d4c5882b8be66e89fb6338e50851c6', version: 1, grantToken: "g'\n\\" },
    { id: 'chosen', version: 3, userName: 'carol', accessToken: 'c2' },
    { id: '5a3a21514e59f80126d737d7175112f9', version: 1, refreshToken: 'last' },
  ]);
}

describe('a store of the former version', () => {
  it('is migrated by several at once, and the former version refuses it then', async () => {
    const { prefix, hash } = await formerStore();
    const stores = Array.from(
      { length: 6 },
      () => new RedisTokenStore({ url: server.url, prefix }),
    );
    await Promise.all(stores.map((store) => store.ready()));
    await Promise.all(stores.map((store) => store.close()));
    await expectAll(prefix);
    // By this it told whether the key was its own.
    expect(await client.hget(hash, 'format')).not.toBe('1');
  });

  it('is migrated by another where a process was stopped after any of its steps', async () => {
    // So many that they are not migrated in one step.
    const more = Object.fromEntries(Array.from({ length: 2_000 }, (_, n) => [`more:${n}`, '']));
    for (let steps = 0; ; steps += 1) {
      const { prefix, hash } = await formerStore();
      await client.hset(hash, more);
      let left = steps;
      await using store = new RedisTokenStore({
        prefix,
        client: {
          async call(command, args) {
            if (left === 0) throw new Error('stopped');
            const reply = await client.call(command, args);
            // A script that the server does not know yet is no step.
            left -= 1;
            return reply;
          },
        },
      });
      const isStopped = await store.ready().then(
        () => false,
        () => true,
      );
      // From the first part on the former version is kept out.
      if (steps >= 1) expect(await client.hget(hash, 'format')).not.toBe('1');
      await expectAll(prefix);
      if (!isStopped) {
        expect(steps).toBeGreaterThanOrEqual(3);
        break;
      }
    }
  });

  it('is saved to, deleted from and iterated', async () => {
    const { prefix } = await formerStore();
    await using store = new RedisTokenStore({ url: server.url, prefix });
    const save = (init: object) => store.saveToken(new OAuthToken(init));
    const all = { issuer: 'https://as.example', resource: 'https://api.example', lease: 'l' };
    const first = await save({ ...user('ada'), clientId: 'a', ...all });
    expect(first).toMatchObject({ version: 3, refreshToken: 'r-ada', ...all });
    await expect(save({ ...user('ada'), scope: 'x' })).rejects.toMatchObject({
      code: 'AMBIGUOUS_TOKEN',
    });
    await store.deleteToken('chosen');
    expect((await save({ id: 'chosen', accessToken: 'c3' })).version).toBe(4);
    const users: unknown[] = [];
    for await (const token of store.tokens()) users.push(token.userSignature?.name);
    expect(users).toEqual(['ada', 'ada', 'bob 😀', undefined, undefined, undefined]);
    await store.deleteTokens();
    expect(await store.getTokens()).toEqual([]);
    // Above every version that a record had before all were deleted.
    expect((await save({ id: 'chosen', accessToken: 'c4' })).version).toBe(5);
  });

  it('is migrated with a damaged record in it, which can be deleted', async () => {
    const { prefix, hash } = await formerStore();
    const damaged = Object.keys(FORMER).find((field) => FORMER[field]?.includes('"id":"chosen"'));
    await client.hset(hash, damaged ?? '', 'This was a record.');
    await using store = new RedisTokenStore({ url: server.url, prefix });
    await expect(store.getTokens()).rejects.toMatchObject({ code: 'RECORD_CORRUPT' });
    await store.deleteToken('chosen');
    expect(await store.getTokens()).toHaveLength(5);
    const again = new OAuthToken({ ...user('carol'), accessToken: 'c2' });
    expect((await store.saveToken(again)).version).toBe(1);
  });

  it('of a format that is not known yet is left as it is', async () => {
    const { prefix, hash } = await formerStore();
    await client.hset(hash, 'format', '3');
    await using store = new RedisTokenStore({ url: server.url, prefix });
    await expect(store.ready()).rejects.toMatchObject({ code: 'SCHEMA_UNKNOWN' });
    expect(await client.hgetall(hash)).toEqual({ ...FORMER, format: '3' });
  });
});
