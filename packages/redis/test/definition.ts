import { randomUUID } from 'node:crypto';
import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { RedisTokenStore } from '@tokenkeep/redis';
import {
  type RedisCluster,
  type RedisServer,
  sharedServer,
  startRedis,
  startRedisCluster,
} from '@tokenkeep/test-servers';
import { Cluster, Redis } from 'ioredis';

/** Acknowledged is on the disk. */
const DURABLE = { appendonly: true, appendfsync: 'always' } as const;

export const single: TokenStoreDefinition = definitionOn('redis', async () => startRedis(DURABLE));
export const cluster: TokenStoreDefinition = definitionOn('redis cluster', async () =>
  startRedisCluster(DURABLE),
);

function definitionOn(
  name: string,
  start: () => Promise<RedisServer | RedisCluster>,
): TokenStoreDefinition {
  const server = sharedServer(start);
  const asClient = async <T>(place: string, work: (client: Redis | Cluster) => Promise<T>) => {
    const [first = '', ...others] = place.split(',');
    const client = others.length === 0 ? new Redis(first) : new Cluster([first, ...others]);
    try {
      return await work(client);
    } finally {
      client.disconnect();
    }
  };
  return defineTokenStore({
    name,
    location: async () => {
      const found = await server();
      const urls = 'urls' in found ? found.urls.join() : found.url;
      return { urls, prefix: `${randomUUID()}:` };
    },
    open: (place) => {
      const [url = '', ...others] = place.urls.split(',');
      const { prefix } = place;
      return others.length === 0
        ? new RedisTokenStore({ url, prefix })
        : new RedisTokenStore({ nodes: [url, ...others], prefix });
    },
    destroy: async (place) => {
      const hash = `${place.prefix}oauthtoken`;
      await asClient(place.urls, (client) => client.del(hash, `{${hash}}:order`));
    },
    neighbour: (place) => ({ ...place, prefix: `${place.prefix}2:` }),
    damage: async (place) => {
      await asClient(place.urls, async (client) => {
        const key = `${place.prefix}oauthtoken`;
        for (const field of await client.hkeys(key)) {
          if (field.startsWith('record:')) await client.hset(key, field, 'This was a record.');
        }
      });
    },
    versions: true,
    durable: true,
    shared: true,
    iterable: true,
    pace: 10,
    module: import.meta.url,
  });
}
