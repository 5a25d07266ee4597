import { resolve } from 'node:path';
import type { TokenStore } from '@tokenkeep/core';

/** What STORE may begin with. A kind's package is loaded when it is asked for. */
const kinds: Record<string, (location: string) => Promise<TokenStore>> = {
  sqlite: async (path) =>
    new (await import('@tokenkeep/sqlite')).SqliteTokenStore({ path: besideTheSample(path) }),
  file: async (path) =>
    new (await import('@tokenkeep/file')).FileTokenStore({ path: besideTheSample(path) }),
  memory: async () => new (await import('@tokenkeep/memory')).MemoryTokenStore(),
  list: async () => new (await import('@tokenkeep/list')).ListTokenStore(),
  mysql: async (rest) =>
    new (await import('@tokenkeep/mysql')).MysqlTokenStore({ url: `mysql:${rest}` }),
  postgres: async (rest) =>
    new (await import('@tokenkeep/postgres')).PostgresTokenStore({ url: `postgres:${rest}` }),
  redis: async (rest) =>
    new (await import('@tokenkeep/redis')).RedisTokenStore({ url: `redis:${rest}` }),
  mongodb: async (rest) =>
    new (await import('@tokenkeep/mongo')).MongoTokenStore({ url: `mongodb:${rest}` }),
  dynamodb: async (table) => {
    const { DynamodbTokenStore } = await import('@tokenkeep/dynamodb');
    const store = new DynamodbTokenStore(table === '' ? {} : { table });
    await store.createTable();
    return store;
  },
  firestore: async (projectId) =>
    new (await import('@tokenkeep/firestore')).FirestoreTokenStore({
      options: projectId === '' ? {} : { projectId },
    }),
  'aws-secrets-manager': async (secret) =>
    new (await import('@tokenkeep/aws-secrets-manager')).AwsSecretsManagerTokenStore(
      secret === '' ? {} : { secret },
    ),
};

/**
 * Opens the store that an address such as `sqlite:./tokens.db` means.
 *
 * @throws Error which lists the kinds there are
 */
export async function openStore(address: string): Promise<TokenStore> {
  const [kind = ''] = address.split(':', 1);
  const open = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
  if (!open) {
    const known = Object.keys(kinds).join(', ');
    throw new Error(
      `STORE=${address} is no store that is known here. It begins with one of: ${known}.`,
    );
  }
  return await open(address.slice(kind.length + 1));
}

/** The same file from wherever the sample is started. */
function besideTheSample(path: string): string {
  return resolve(import.meta.dirname, '..', path);
}
