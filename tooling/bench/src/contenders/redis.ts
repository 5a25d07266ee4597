import { RedisTokenStore } from '@tokenkeep/redis';
import { type RedisServer, startRedis } from '@tokenkeep/test-servers';
import { Redis } from 'ioredis';
import type { Contender } from '../contender.ts';
import { storeContender } from '../store-contender.ts';
import { refreshToken, someUser, tokenOf, userName } from '../tokens.ts';

let server: Promise<RedisServer> | undefined;
let users = 0;
let prefixes = 0;

/** A new prefix on the one server of this run, which ends when nobody uses it any more. */
async function newPlace(): Promise<{ url: string; prefix: string }> {
  server ??= startRedis({ own: true, appendonly: true, appendfsync: 'always' });
  users += 1;
  prefixes += 1;
  return { url: (await server).url, prefix: `bench${prefixes}:` };
}

async function leave(): Promise<void> {
  users -= 1;
  if (users > 0) return;
  await (await server)?.stop();
  server = undefined;
}

/**
 * The driver's own commands, as durable as the store's and pipelined alike: a hash of each user,
 * which is written and read by one command. They match nothing, merge nothing and check nothing; a
 * find by refresh token reads a second copy, which a save does not keep up to date.
 */
const bareRedis: Contender = {
  name: 'bare commands of ioredis',
  async setUp(_folder, tokens) {
    const { url, prefix } = await newPlace();
    const client = new Redis(url, { enableAutoPipelining: true });
    const userKey = (user: number) => `${prefix}user:${userName(user)}`;
    const refreshKey = (user: number) => `${prefix}refresh:${refreshToken(user)}`;
    await Promise.all(
      tokens.flatMap((token, user) => [
        client.hset(userKey(user), token.toRecord()),
        client.hset(refreshKey(user), token.toRecord()),
      ]),
    );
    return {
      calls: {
        findByUser: (turn) => {
          const key = userKey(someUser(turn, tokens.length));
          return () => client.hgetall(key);
        },
        findByRefreshToken: (turn) => {
          const key = refreshKey(someUser(turn, tokens.length));
          return () => client.hgetall(key);
        },
        saveExisting: (turn) => {
          const user = someUser(turn, tokens.length);
          const token = tokenOf(user).with({ accessToken: `1000.renewed.${turn}` });
          const fields = token.toRecord();
          return () => client.hset(userKey(user), fields);
        },
        saveNew: (turn) => {
          const user = tokens.length + turn;
          const fields = tokenOf(user).toRecord();
          return () => client.hset(userKey(user), fields);
        },
      },
      close: async () => {
        client.disconnect();
        await leave();
      },
    };
  },
};

export const redis: Contender = {
  name: 'redis',
  bare: bareRedis,
  sizes: [1_000],
  async setUp(folder, tokens) {
    const place = await newPlace();
    const store = await storeContender('redis', () => new RedisTokenStore(place)).setUp(
      folder,
      tokens,
    );
    return {
      calls: store.calls,
      close: async () => {
        await store.close();
        await leave();
      },
    };
  },
};
