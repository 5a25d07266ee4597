import KeyvRedis from '@keyv/redis';
import { RedisTokenStore } from '@tokenkeep/redis';
import { startRedis } from '@tokenkeep/test-servers';
import { Redis } from 'ioredis';
import { bareCalls } from '../bare-calls.ts';
import type { Contender } from '../contender.ts';
import { SharedClient } from '../shared-client.ts';
import { fillStore, storeCalls } from '../store-contender.ts';
import { keyvRunner } from './keyv.ts';

const server = new SharedClient({
  start: () => startRedis({ own: true, appendonly: true, appendfsync: 'always' }),
  // Each its own: the server has one thread for all. On its own client the store sends together what
  // is saved at the same time.
  connect: ({ url }) => ({ url, client: new Redis(url) }),
  disconnect: ({ client }) => client.quit(),
});

/**
 * The driver's own commands on the same server: a record as JSON under its user and under its refresh
 * token. They match nothing, merge nothing and check nothing, and give the parsed JSON.
 */
const bare = server.contender('bare commands of ioredis', async ({ client }, tokens) => {
  const parsed = async (reply: Promise<string | null>) => JSON.parse((await reply) ?? 'null');
  const statements = {
    findByUser: (name: string) => parsed(client.hget('bare', `user:${name}`)),
    findByRefreshToken: (token: string) => parsed(client.hget('bare', `refresh:${token}`)),
    upsert: (token: (typeof tokens)[number]) => {
      const record = token.toRecord();
      const fields = [`user:${record.userName}`, `refresh:${record.refreshToken}`];
      return () => {
        const json = JSON.stringify(record);
        return client.hset('bare', ...fields.flatMap((field) => [field, json]));
      };
    },
  };
  for (const token of tokens) await statements.upsert(token)();
  return { calls: bareCalls(statements, tokens.length), close: () => undefined };
});

const keyv = server.contender('keyv', ({ url }, tokens) => keyvRunner(new KeyvRedis(url), tokens));

export const redis: Contender = {
  ...server.contender('redis', async ({ url }, tokens) => {
    const store = new RedisTokenStore({ url });
    await fillStore(store, tokens);
    return { calls: storeCalls(store, tokens.length), close: () => store.close() };
  }),
  bare,
  peers: [keyv],
  sizes: [1_000],
};
