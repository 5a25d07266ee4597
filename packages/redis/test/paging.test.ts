import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import { type RedisServer, startRedis } from '@tokenkeep/test-servers';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RedisTokenStore } from '../src/index.ts';

let server: RedisServer;
let prefixes = 0;
beforeAll(async () => {
  server = await startRedis();
}, 300_000);
afterAll(() => server.stop());

/** A store with these records, and what the replies to its commands hold. */
async function filledStore(tokens: readonly TokenInit[]) {
  const redis = new Redis(server.url, { replyMapping: 'legacy', maxRetriesPerRequest: 0 });
  const replies: { texts: number; characters: number }[] = [];
  const client = {
    async call(command: string, args: string[]) {
      const reply = await redis.call(command, args);
      const texts = Array.isArray(reply) ? reply : [];
      replies.push({ texts: texts.length, characters: texts.join('').length });
      return reply;
    },
  };
  const store = new RedisTokenStore({ client, prefix: `paging${process.pid}_${++prefixes}:` });
  for (let at = 0; at < tokens.length; at += 250) {
    const some = tokens.slice(at, at + 250);
    await Promise.all(some.map((token) => store.saveToken(new OAuthToken(token))));
  }
  replies.length = 0;
  return {
    store,
    replies,
    async [Symbol.asyncDispose]() {
      await store.deleteTokens();
      await store.close();
      redis.disconnect();
    },
  };
}

it('I1 no reply carries more than 200 records, and together they carry all', async () => {
  const tokens = Array.from({ length: 3_000 }, (_, n) => ({ refreshToken: `r${n}` }));
  await using filled = await filledStore(tokens);
  const found = await filled.store.getTokens();
  expect(found.map(({ refreshToken }) => refreshToken).sort()).toEqual(
    tokens.map(({ refreshToken }) => refreshToken).sort(),
  );
  // Of each record its digest and its place in the order.
  expect(Math.max(...filled.replies.map(({ texts }) => texts))).toBeLessThanOrEqual(400);
}, 60_000);

it('I1 a reply carries one record, however large it is', async () => {
  const large = 'x'.repeat(60_000);
  const tokens = Array.from({ length: 20 }, (_, n) => ({ refreshToken: `r${n}`, scope: large }));
  await using filled = await filledStore(tokens);
  expect(await filled.store.getTokens()).toHaveLength(20);
  const largest = Math.max(...filled.replies.map(({ characters }) => characters));
  expect(largest).toBeGreaterThan(60_000);
  expect(largest).toBeLessThan(62_000);
});
