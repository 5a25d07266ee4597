import { readFileSync } from 'node:fs';
import { OAuthToken } from '@tokenkeep/core';
import type { SqlServer } from '@tokenkeep/test-servers';
import { createConnection, createPool } from 'mysql2/promise';
import { beforeAll, describe, expect, it } from 'vitest';
import { type MysqlPool, MysqlTokenStore } from '../src/index.ts';
import { sharedMariadb, sharedMysql } from './servers.ts';

/** What version 1 of the schema held; the version before this one made it, on MariaDB. */
const FORMER = readFileSync(new URL('former/version-1.sql', import.meta.url), 'utf8');

/** The table, three that find all there, four kinds of keys, the lock table, the version. */
const STEPS = 10;

const user = (name: string) => ({ userSignature: { name } });

describe.each([
  ['MariaDB', sharedMariadb],
  ['MySQL', sharedMysql],
] as const)('tables of the former version, on %s,', (_name, start) => {
  let server: SqlServer;
  beforeAll(async () => {
    server = await start();
  }, 300_000);

  async function formerDatabase(): Promise<{ url: string; name: string }> {
    const database = await server.createDatabase();
    const connection = await createConnection({ uri: database.url, multipleStatements: true });
    await connection.query(FORMER);
    await connection.end();
    return database;
  }

  async function expectAll(url: string): Promise<void> {
    await using store = new MysqlTokenStore({ url });
    const records = (await store.getTokens()).map((token) => token.toRecord());
    expect(records).toEqual([
      {
        id: '7ce145fe4d5e4a290bdf3d1d9139e548',
        version: 2,
        userName: 'ada',
        clientId: 'a',
        clientSecret: 's',
        refreshToken: 'r-ada',
        accessToken: 'a-ada',
        expiresAt: 1_900_000_000_000,
        redirectUrl: 'https://app.example/callback',
        apiDomain: 'https://www.zohoapis.com',
        scope: 'one two',
        tokenType: 'Bearer',
        extra: { instance_url: 'https://one', n: [1, null] },
      },
      {
        id: 'f19fdd239730658f247c4ab7e7fcc71f',
        version: 1,
        userName: 'ada',
        clientId: 'b',
        refreshToken: 'r-ada-b',
        accessToken: 'shared',
      },
      {
        id: '9a1d13e23c9f3ae3820f7f1c37a53525',
        version: 1,
        userName: 'bob 😀',
        refreshToken: 'r-bob',
        accessToken: 'shared',
      },
      { id: '07b660a58986691f311607a56f1c821c', version: 1, grantToken: "g'\n\\" },
      { id: 'chosen', version: 3, userName: 'carol', accessToken: 'c2' },
      { id: 'e18c5e7169d25f25bba17f8bef352ca3', version: 1, refreshToken: 'last' },
    ]);
  }

  it('are migrated by several at once, and the former version refuses them then', async () => {
    const { url, name } = await formerDatabase();
    const stores = Array.from({ length: 6 }, () => new MysqlTokenStore({ url }));
    await Promise.all(stores.map((store) => store.ready()));
    await Promise.all(stores.map((store) => store.close()));
    await expectAll(url);
    // By these it told whether a table was its own.
    const columns = await server.query(
      `SELECT column_name AS name FROM information_schema.columns
        WHERE table_schema = '${name}' AND column_name IN ('writer', 'turn')`,
    );
    expect(columns).toEqual([]);
  });

  it('are migrated where several are in the way of each other, at any of the steps', async () => {
    const deadlock = Object.assign(new Error('deadlock'), { errno: 1213 });
    for (let step = 0; step < STEPS; step += 1) {
      const { url } = await formerDatabase();
      const pool = createPool(url);
      await using store = new MysqlTokenStore({ pool: failingOnce(pool, step, deadlock) });
      await store.ready();
      await pool.end();
      await expectAll(url);
    }
  });

  it('are migrated by another where a process was stopped after any of its steps', async () => {
    for (let step = 0; step < STEPS; step += 1) {
      const { url } = await formerDatabase();
      const pool = createPool(url);
      const stopped = failingOnce(pool, step, new Error('stopped'));
      await using store = new MysqlTokenStore({ pool: stopped });
      await expect(store.ready()).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
      await pool.end();
      await expectAll(url);
    }
  });

  it('are saved to, deleted from and iterated, and know which keys are shared', async () => {
    const { url } = await formerDatabase();
    await using store = new MysqlTokenStore({ url });
    const save = (init: object) => store.saveToken(new OAuthToken(init));
    const all = { issuer: 'https://as.example', resource: 'https://api.example', lease: 'l' };
    const first = await save({ ...user('ada'), clientId: 'a', ...all });
    expect(first).toMatchObject({ version: 3, refreshToken: 'r-ada', ...all });
    // Two records have this name: the version before forgot that for the first of them.
    await expect(save({ ...user('ada'), scope: 'x' })).rejects.toMatchObject({
      code: 'AMBIGUOUS_TOKEN',
    });
    await store.deleteToken('chosen');
    expect((await save({ id: 'chosen', accessToken: 'c3' })).version).toBe(4);
    const users: unknown[] = [];
    for await (const token of store.tokens()) users.push(token.userSignature?.name);
    expect(users).toEqual(['ada', 'ada', 'bob 😀', undefined, undefined, undefined]);
    await store.deleteTokens();
    expect(await store.getTokens()).toEqual([]);
  });

  it('of a version that is not known yet are left as they are', async () => {
    const { url, name } = await formerDatabase();
    await server.query(`UPDATE ${name}.oauthtoken_lock SET schema_version = 3`);
    await using store = new MysqlTokenStore({ url });
    await expect(store.ready()).rejects.toMatchObject({ code: 'SCHEMA_UNKNOWN' });
  });
});

/** A pool on which one statement that changes the schema fails. */
function failingOnce(pool: MysqlPool, step: number, error: Error): MysqlPool {
  let left = step;
  return {
    async getConnection() {
      const connection = await pool.getConnection();
      return {
        execute: (sql, values) => connection.execute(sql, values),
        async query(sql) {
          // A step is what changes something.
          if (sql.startsWith('SELECT')) return connection.query(sql);
          left -= 1;
          if (left === -1) throw error;
          return connection.query(sql);
        },
        release: () => connection.release(),
        destroy: () => connection.destroy(),
      };
    },
  };
}
