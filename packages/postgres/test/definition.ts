import { randomBytes } from 'node:crypto';
import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { PostgresTokenStore } from '@tokenkeep/postgres';
import { describeServer, type PostgresServer, startPgbouncer } from '@tokenkeep/test-servers';
import { sharedEmbeddedPostgres, sharedPostgres } from './servers.ts';

/** A database, and a way to it. */
interface Place {
  readonly url: string;
  query(sql: string): Promise<unknown>;
}

const direct = async (server: PostgresServer): Promise<Place> => {
  const { url } = await server.createDatabase();
  return { url, query: (sql) => server.query(sql, url) };
};

const pooled = async (server: PostgresServer): Promise<Place> => {
  const pooler = await startPgbouncer(server);
  console.log(`${describeServer(pooler)} in front of`);
  const { url, query } = await direct(server);
  return { url: pooler.urlFor(url), query };
};

export const postgres: TokenStoreDefinition = definitionOn('PostgresTokenStore', async () =>
  direct(await sharedPostgres()),
);
export const embedded: TokenStoreDefinition = definitionOn(
  'PostgresTokenStore on PostgreSQL 18',
  async () => direct(await sharedEmbeddedPostgres()),
);
export const pgbouncer: TokenStoreDefinition = definitionOn(
  'PostgresTokenStore behind PgBouncer',
  async () => pooled(await sharedPostgres()),
);

function definitionOn(name: string, start: () => Promise<Place>): TokenStoreDefinition {
  let started: Promise<Place> | undefined;
  const place = () => {
    started ??= start();
    return started;
  };
  return defineTokenStore({
    name,
    // Not a database each: to make one takes half a second.
    location: async () => ({
      url: (await place()).url,
      schema: `s${randomBytes(6).toString('hex')}`,
      table: 'oauthtoken',
    }),
    open: ({ url, schema, table }) =>
      new PostgresTokenStore({ url, schema, table, options: { max: 4 } }),
    destroy: async ({ schema }) => {
      await (await place()).query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`);
    },
    damage: async ({ schema, table }) => {
      const damage = `UPDATE ${schema}.${table} SET extra = 'This was a record.'`;
      await (await place()).query(damage);
    },
    neighbour: (location) => ({ ...location, table: `${location.table}2` }),
    versions: true,
    durable: true,
    shared: true,
    iterable: true,
    module: import.meta.url,
    pace: 10,
  });
}
