import { digestKey } from '@tokenkeep/core/adapter/server';
import { PostgresTokenStore } from '@tokenkeep/postgres';
import { startPostgres } from '@tokenkeep/test-servers';
import { Pool } from 'pg';
import { bareCalls } from '../bare-calls.ts';
import type { Contender } from '../contender.ts';
import { SharedClient } from '../shared-client.ts';
import { fillStore, storeCalls } from '../store-contender.ts';

const server = new SharedClient({
  // As it is installed: what the disk costs is part of what is measured.
  start: () => startPostgres({ own: true, args: ['-c', 'fsync=on'] }),
  connect: async (postgres) => {
    const { url } = await postgres.createDatabase();
    return new Pool({ connectionString: url, keepAlive: true });
  },
  disconnect: (pool) => pool.end(),
});

const COLUMNS = [
  'user_name',
  'client_id',
  'client_secret',
  'refresh_token',
  'access_token',
  'expires_at',
  'redirect_url',
  'api_domain',
  'scope',
  'token_type',
];

const digest = (field: 'userName' | 'refreshToken', value: string) =>
  Buffer.from(digestKey({ field, value }).digest, 'hex');

/**
 * The driver's own statements: a find by an index of a table that our store made; and an upsert by a
 * unique index of a table that has nothing else. They match nothing, merge nothing and check nothing,
 * and give rows.
 */
const bare = server.contender('bare statements of pg', async (pool, tokens) => {
  const texts = COLUMNS.map((column) => `${column} text`).join(', ');
  await pool.query(
    `CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ${texts}, UNIQUE (user_name));
     CREATE INDEX ON bare (refresh_token)`,
  );
  const select = `SELECT id, ${COLUMNS.join(', ')} FROM found.oauthtoken WHERE`;
  const places = COLUMNS.map((_, at) => `$${at + 1}`).join(', ');
  const set = COLUMNS.map((column) => `${column} = excluded.${column}`).join(', ');
  const upsert = `INSERT INTO bare (${COLUMNS.join(', ')}) VALUES (${places}) ON CONFLICT (user_name) DO UPDATE SET ${set}`;
  const statements = {
    findByUser: (value: string) =>
      pool.query(`${select} user_digest = $1`, [digest('userName', value)]),
    findByRefreshToken: (value: string) =>
      pool.query(`${select} refresh_digest = $1`, [digest('refreshToken', value)]),
    upsert: (token: (typeof tokens)[number]) => {
      const { userName, clientId, clientSecret, refreshToken, accessToken, ...rest } =
        token.toRecord();
      const { expiresAt, redirectUrl, apiDomain, scope, tokenType } = rest;
      const values = [userName, clientId, clientSecret, refreshToken, accessToken];
      const more = [expiresAt, redirectUrl, apiDomain, scope, tokenType];
      const row = [...values, ...more].map((value) => value ?? null);
      return () => pool.query(upsert, row);
    },
  };
  for (const token of tokens) await statements.upsert(token)();
  await fillStore(new PostgresTokenStore({ pool, schema: 'found' }), tokens);
  return { calls: bareCalls(statements, tokens.length), close: () => undefined };
});

export const postgres: Contender = {
  ...server.contender('postgres', async (pool, tokens) => {
    const store = new PostgresTokenStore({ pool });
    await fillStore(store, tokens);
    return { calls: storeCalls(store, tokens.length), close: () => store.close() };
  }),
  bare,
  sizes: [1_000],
};
