import KeyvMysql from '@keyv/mysql';
import { digestKey } from '@tokenkeep/core/adapter/server';
import { MysqlTokenStore } from '@tokenkeep/mysql';
import { startMariadb } from '@tokenkeep/test-servers';
import { createPool } from 'mysql2/promise';
import { bareCalls } from '../bare-calls.ts';
import type { Contender } from '../contender.ts';
import { SharedClient } from '../shared-client.ts';
import { fillStore, storeCalls } from '../store-contender.ts';
import { keyvRunner } from './keyv.ts';

const server = new SharedClient({
  start: async () => {
    const server = await startMariadb({ own: true });
    // As it is installed: what the disk costs is part of what is measured.
    await server.query('SET GLOBAL innodb_flush_log_at_trx_commit = 1');
    return server;
  },
  connect: async (mariadb) => {
    const { url } = await mariadb.createDatabase();
    // As the store's own pool has it: a stack trace per statement, in case it fails, costs its time.
    const pool = createPool({ uri: url, trace: false });
    pool.pool.on('connection', (connection) => {
      connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    });
    return { url, pool };
  },
  disconnect: ({ pool }) => pool.end(),
});

const COLUMNS = [
  'user_name',
  'client_id',
  'client_secret',
  'refresh_token',
  'access_token',
  'expiry_time',
  'redirect_url',
  'api_domain',
  'scope',
  'token_type',
];

/**
 * The driver's own prepared statements: a find by an index of a table that our store made; and an
 * upsert by a unique index of a table that has nothing else, and cuts a value at 255 characters. They
 * match nothing, merge nothing and check nothing, and give rows.
 */
const bare = server.contender('bare statements of mysql2', async ({ pool }, tokens) => {
  const texts = COLUMNS.map((column) => `${column} VARCHAR(255)`).join(', ');
  await pool.query(
    `CREATE TABLE bare (id BIGINT AUTO_INCREMENT PRIMARY KEY, ${texts}, UNIQUE (user_name), KEY (refresh_token))
     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  );
  const select = `SELECT id, ${COLUMNS.join(', ')} FROM found WHERE`;
  const places = COLUMNS.map(() => '?').join(', ');
  const set = COLUMNS.map((column) => `${column} = VALUES(${column})`).join(', ');
  const upsert = `INSERT INTO bare (${COLUMNS.join(', ')}) VALUES (${places}) ON DUPLICATE KEY UPDATE ${set}`;
  const statements = {
    findByUser: (value: string) =>
      pool.execute(`${select} user_digest = ?`, [digestKey({ field: 'userName', value }).digest]),
    findByRefreshToken: (value: string) =>
      pool.execute(`${select} refresh_digest = ?`, [
        digestKey({ field: 'refreshToken', value }).digest,
      ]),
    upsert: (token: (typeof tokens)[number]) => {
      const { userName, clientId, clientSecret, refreshToken, accessToken, ...rest } =
        token.toRecord();
      const { expiresAt, redirectUrl, apiDomain, scope, tokenType } = rest;
      const values = [userName, clientId, clientSecret, refreshToken, accessToken];
      const more = [expiresAt, redirectUrl, apiDomain, scope, tokenType];
      const row = [...values, ...more].map((value) => value ?? null);
      return () => pool.execute(upsert, row);
    },
  };
  for (const token of tokens) await statements.upsert(token)();
  await fillStore(new MysqlTokenStore({ pool, table: 'found' }), tokens);
  return { calls: bareCalls(statements, tokens.length), close: () => undefined };
});

const keyv = server.contender('keyv', ({ url }, tokens) =>
  keyvRunner(new KeyvMysql({ uri: url }), tokens),
);

export const mysql: Contender = {
  ...server.contender('mysql', async ({ url }, tokens) => {
    const store = new MysqlTokenStore({ url });
    await fillStore(store, tokens);
    return { calls: storeCalls(store, tokens.length), close: () => store.close() };
  }),
  bare,
  peers: [keyv],
  sizes: [1_000],
};
