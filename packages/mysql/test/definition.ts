import { defineTokenStore, type TokenStoreDefinition } from '@tokenkeep/conformance';
import { MysqlTokenStore } from '@tokenkeep/mysql';
import type { SqlServer } from '@tokenkeep/test-servers';
import { createConnection } from 'mysql2/promise';
import { sharedMariadb, sharedMysql } from './servers.ts';

/** Both are tested: neither takes all that the other does. */
export const mariadb: TokenStoreDefinition = definitionOn(
  'MysqlTokenStore on MariaDB',
  sharedMariadb,
);
export const mysql: TokenStoreDefinition = definitionOn('MysqlTokenStore on MySQL', sharedMysql);

function definitionOn(name: string, start: () => Promise<SqlServer>): TokenStoreDefinition {
  return defineTokenStore({
    name,
    location: async () => ({
      url: (await (await start()).createDatabase()).url,
      table: 'oauthtoken',
    }),
    open: ({ url, table }) => new MysqlTokenStore({ url, table, options: { connectionLimit: 4 } }),
    destroy: async ({ url }) => {
      const connection = await createConnection(url);
      await connection.query(`DROP DATABASE IF EXISTS ${new URL(url).pathname.slice(1)}`);
      await connection.end();
    },
    damage: async ({ url, table }) => {
      const connection = await createConnection(url);
      await connection.query(`UPDATE ${table} SET extra = 'This was a record.'`);
      await connection.end();
    },
    neighbour: ({ url, table }) => ({ url, table: `${table}2` }),
    versions: true,
    durable: true,
    shared: true,
    iterable: true,
    module: import.meta.url,
    pace: 10,
  });
}
