import { readFileSync } from 'node:fs';
import { codeBlocksIn } from '@tokenkeep/code-blocks';
import { OAuthToken } from '@tokenkeep/core';
import { type RedisServer, startRedis } from '@tokenkeep/test-servers';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RedisTokenStore } from '../src/index.ts';

let server: RedisServer;
beforeAll(async () => {
  server = await startRedis({ own: true });
}, 300_000);
afterAll(() => server.stop());

/** The line of the README that makes a user for the store. */
function lineOfReadme(): string[] {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const lines = codeBlocksIn(readme).map(({ text }) => text.replaceAll('\\\n', ' ').trim());
  return lines.find((text) => text.startsWith('ACL SETUSER'))?.split(/\s+/) ?? [];
}

function urlFor(user: string): string {
  return Object.assign(new URL(server.url), { username: user, password: 'PASSWORD' }).href;
}

it('the user that the README makes can do all that the store does, and read no other key', async () => {
  const [acl = '', ...rest] = lineOfReadme();
  await server.command(acl, ...rest);
  await server.command('SET', 'of others', 'x');
  const former = new URL('former/format-1.json', import.meta.url);
  const fields: Record<string, string> = JSON.parse(readFileSync(former, 'utf8'));
  await server.command('HSET', 'tokenkeep:oauthtoken', ...Object.entries(fields).flat());
  await using store = new RedisTokenStore({ url: urlFor('tokens') });
  const ada = { userSignature: { name: 'a new user' } };
  const save = (init: object) => store.saveToken(new OAuthToken({ ...ada, ...init }));
  await save({ refreshToken: 'r', accessToken: 'a' });
  expect((await save({ accessToken: 'b' })).version).toBe(2);
  const { id = '' } = (await store.findToken(new OAuthToken(ada))) ?? {};
  expect(await store.getTokens()).toHaveLength(7);
  await store.deleteToken(id);
  await store.deleteTokens();
  expect(await store.getTokens()).toEqual([]);
  const redis = new Redis(urlFor('tokens'));
  await expect(redis.get('of others')).rejects.toThrow('NOPERM');
  redis.disconnect();
});

it.each(['hdel', 'zadd', 'zrem'])(
  'C15 a user that may not %s is refused before anything is saved, not in the middle of a save',
  async (command) => {
    const [acl = '', setUser = '', , ...rules] = lineOfReadme();
    await server.command(acl, setUser, command, ...rules, `-${command}`);
    await using store = new RedisTokenStore({ url: urlFor(command) });
    const saved = store.saveToken(new OAuthToken({ refreshToken: 'r' }));
    await expect(saved).rejects.toMatchObject({ code: 'ACCESS_DENIED', operation: 'saveToken' });
  },
);
