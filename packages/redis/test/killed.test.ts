import { OAuthToken } from '@tokenkeep/core';
import { KILLED_SAVES, killAtEveryStep } from '@tokenkeep/load-checks';
import { type RedisServer, startRedis } from '@tokenkeep/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisTokenStore } from '../src/index.ts';

let server: RedisServer;
let prefixes = 0;

beforeAll(async () => {
  server = await startRedis({ appendonly: true, appendfsync: 'always', own: true });
  // From now on it knows the scripts: else the first to come takes two steps more.
  await using store = new RedisTokenStore({ url: server.url });
  await store.saveToken(new OAuthToken({ refreshToken: 'r' }));
}, 300_000);

afterAll(() => server.stop());

describe('a process that is killed between any two of its steps leaves the old or the new', () => {
  const program = new URL('processes/killed.ts', import.meta.url);
  it.each(KILLED_SAVES)(
    '%s',
    async (title, save) => {
      const kills = await killAtEveryStep(program, save, async () => {
        const prefix = `killed${++prefixes}:`;
        return {
          place: [server.url, prefix],
          store: new RedisTokenStore({ url: server.url, prefix }),
        };
      });
      // Two steps a command: it reads and commits; of a record that is absorbed it reads the keys, too.
      expect(kills).toBe(title === 'while it makes one of two' ? 7 : 5);
    },
    60_000,
  );
});
