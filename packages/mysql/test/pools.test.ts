import { OAuthToken, type TokenStoreError } from '@tokenkeep/core';
import { type SqlServer, startFaultyProxy } from '@tokenkeep/test-servers';
import { createPool as createCallbackPool } from 'mysql2';
import { createPool, type PoolOptions } from 'mysql2/promise';
import { beforeAll, describe, expect, it } from 'vitest';
import { type MysqlPool, MysqlTokenStore } from '../src/index.ts';
import { sharedMariadb } from './servers.ts';

const ada = new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: 'r' });

let server: SqlServer;
let uri: string;
beforeAll(async () => {
  server = await sharedMariadb();
  uri = (await server.createDatabase()).url;
}, 300_000);

describe('a pool that would spoil records is refused before any is stored', () => {
  it.each<[string, PoolOptions]>([
    ['rows as arrays', { rowsAsArray: true }],
    ['bytes in place of text', { typeCast: false }],
    ['a cast that makes nothing of empty text', { typeCast: (field) => field.string() || null }],
    ['another charset', { charset: 'latin1' }],
  ])('%s', async (_case, settings) => {
    const pool = createPool({ uri, ...settings });
    await using store = new MysqlTokenStore({ pool });
    await expect(store.saveToken(ada)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await pool.end();
  });

  it('one without autocommit', async () => {
    const pool = createPool({ uri, connectionLimit: 1 });
    await pool.query('SET SESSION autocommit = 0');
    await using store = new MysqlTokenStore({ pool });
    await expect(store.saveToken(ada)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await pool.end();
  });

  it('one that answers to callbacks', async () => {
    const pool = createCallbackPool({ uri });
    expect(() => new MysqlTokenStore({ pool: pool as unknown as MysqlPool })).toThrow(
      'mysql2/promise',
    );
    pool.end();
  });
});

it('one that was closed is told as such, and not to be tried again', async () => {
  const pool = createPool({ uri });
  await using store = new MysqlTokenStore({ pool });
  await store.ready();
  await pool.end();
  await expect(store.findToken(ada)).rejects.toMatchObject({
    code: 'HANDLE_CLOSED',
    retryable: false,
  });
});

describe('one whose connections are all in use', () => {
  it.each<[string, PoolOptions]>([
    ['takes no more calls than its queueLimit', { queueLimit: 1 }],
    ['lets nobody wait', { waitForConnections: false }],
  ])('and that %s is told by a code, and may be free later', async (_case, settings) => {
    const pool = createPool({ uri, connectionLimit: 1, ...settings });
    await using store = new MysqlTokenStore({ pool });
    await store.ready();
    const busy = await pool.getConnection();
    const waiting = settings.queueLimit === 1 ? pool.getConnection() : undefined;
    await expect(store.findToken(ada)).rejects.toMatchObject({
      code: 'THROTTLED',
      retryable: true,
      message: expect.stringContaining('connectionLimit'),
    });
    busy.release();
    (await waiting)?.release();
    expect(await store.findToken(ada)).toBeNull();
    await pool.end();
  });
});

it('one without a free connection, or that hangs, is given up in time, and the next call works', async () => {
  const pool = createPool({ uri, connectionLimit: 1 });
  await using store = new MysqlTokenStore({ pool, timeout: 200 });
  await store.saveToken(ada);
  const busy = await pool.getConnection();
  await expect(store.findToken(ada)).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true });
  busy.release();
  expect(await store.findToken(ada)).not.toBeNull();

  let hangs = true;
  const never = new Promise<never>(() => {});
  let destroyed = 0;
  await using hanging = new MysqlTokenStore({
    timeout: 200,
    pool: {
      async getConnection() {
        const connection = await pool.getConnection();
        return {
          execute: (sql, values) => (hangs ? never : connection.execute(sql, values)),
          query: (sql) => (hangs ? never : connection.query(sql)),
          release: () => connection.release(),
          destroy: () => {
            destroyed += 1;
            connection.destroy();
          },
        };
      },
    },
  });
  await expect(hanging.saveToken(ada)).rejects.toMatchObject({ code: 'TIMEOUT' });
  expect(destroyed).toBe(1);
  hangs = false;
  expect(await hanging.saveToken(ada)).toMatchObject({ version: 2 });
  await pool.end();
});

it('a server that ends a connection in the piece of an answer does not end the process', async () => {
  await using proxy = await startFaultyProxy({ target: server });
  const message = Buffer.from('\xff\x87\x07#70100Connection was killed', 'latin1');
  const killed = Buffer.concat([Buffer.from([message.length, 0, 0, 0]), message]);
  await using store = new MysqlTokenStore({ url: proxy.urlFor(uri), table: 'ended' });
  for (let nth = 1; nth <= 12; nth += 1) {
    let answers = 0;
    proxy.endAfterReply(killed, () => ++answers === nth % 6);
    for (let round = 0; round < 3; round += 1) {
      await store.findToken(ada).catch((error: TokenStoreError) => {
        expect(error).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
      });
    }
  }
  proxy.pass();
  expect(await store.findToken(ada)).toBeNull();
});
