import { MysqlTokenStore } from '@tokenkeep/mysql';
import { startMariadb } from '@tokenkeep/test-servers';
import { createPool } from 'mysql2/promise';
import { bareCalls } from '../bare-calls.ts';
import type { Contender } from '../contender.ts';
import { SharedServer } from '../shared-server.ts';
import { fillStore, storeCalls } from '../store-contender.ts';

const server = new SharedServer(() => startMariadb({ own: true }));

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
 * The driver's own prepared statements: a find by an index, an upsert by a unique one. They match
 * nothing, merge nothing and check nothing, cut a value at 255 characters, and give rows.
 */
const bare = server.contender('bare statements of mysql2', async (mariadb, tokens) => {
  const { url } = await mariadb.createDatabase();
  const pool = createPool({ uri: url });
  const texts = COLUMNS.map((column) => `${column} VARCHAR(255)`).join(', ');
  await pool.query(
    `CREATE TABLE bare (id BIGINT AUTO_INCREMENT PRIMARY KEY, ${texts}, UNIQUE (user_name), KEY (refresh_token))
     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`,
  );
  const select = `SELECT id, ${COLUMNS.join(', ')} FROM bare WHERE`;
  const places = COLUMNS.map(() => '?').join(', ');
  const set = COLUMNS.map((column) => `${column} = VALUES(${column})`).join(', ');
  const upsert = `INSERT INTO bare (${COLUMNS.join(', ')}) VALUES (${places}) ON DUPLICATE KEY UPDATE ${set}`;
  const statements = {
    findByUser: (name: string) => pool.execute(`${select} user_name = ?`, [name]),
    findByRefreshToken: (token: string) => pool.execute(`${select} refresh_token = ?`, [token]),
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
  return { calls: bareCalls(statements, tokens.length), close: () => pool.end() };
});

export const mysql: Contender = {
  ...server.contender('mysql', async (mariadb, tokens) => {
    const { url } = await mariadb.createDatabase();
    const store = new MysqlTokenStore({ uri: url });
    await fillStore(store, tokens);
    return { calls: storeCalls(store, tokens.length), close: () => store.close() };
  }),
  bare,
  sizes: [1_000],
};
