import { OAuthToken, type TokenStoreError } from '@tokenkeep/core';
import { type PostgresServer, startFaultyProxy, until } from '@tokenkeep/test-servers';
import { Client, Pool, TypeOverrides } from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { type PostgresPool, PostgresTokenStore } from '../src/index.ts';
import { sharedPostgres } from './servers.ts';

const ada = new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: 'r' });

let server: PostgresServer;
let connectionString: string;
beforeAll(async () => {
  server = await sharedPostgres();
  connectionString = (await server.createDatabase()).url;
}, 300_000);

describe('a pool', () => {
  it('that parses bytes in a way of its own is refused before any is stored', async () => {
    const types = new TypeOverrides();
    types.setTypeParser(17, (text: string) => text);
    const pool = new Pool({ connectionString, types });
    await using store = new PostgresTokenStore({ pool });
    await expect(store.saveToken(ada)).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await pool.end();
  });

  it('that gives large numbers as BigInt or number is taken', async () => {
    const types = new TypeOverrides();
    types.setTypeParser(20, BigInt);
    const pool = new Pool({ connectionString, types });
    await using store = new PostgresTokenStore({ pool, schema: 'bigint' });
    await store.saveToken(ada);
    const saved = await store.saveToken(ada.with({ expiresAt: 1_795_866_547_552 }));
    expect(saved).toMatchObject({ version: 2, expiresAt: 1_795_866_547_552 });
    expect(await store.getTokens()).toEqual([saved]);
    await store.deleteTokens();
    expect(await store.getTokens()).toEqual([]);
    await pool.end();
  });

  it('must not be a single client', async () => {
    const client = new Client({ connectionString });
    await using store = new PostgresTokenStore({ pool: client as unknown as PostgresPool });
    await expect(store.ready()).rejects.toMatchObject({ code: 'INVALID_OPTION' });
    await client.end();
  });

  it('that was handed in is not closed, and has none of our listeners left', async () => {
    const pool = new Pool({ connectionString, max: 1 });
    const store = new PostgresTokenStore({ pool, schema: 'handed' });
    await store.saveToken(ada);
    await store.close();
    const { rows } = await pool.query('SELECT count(*)::int AS count FROM handed.oauthtoken');
    expect(rows).toEqual([{ count: 1 }]);
    const connection = await pool.connect();
    expect(connection.listenerCount('error')).toBe(0);
    connection.release();
    await pool.end();
  });

  it('that was closed is told as such, and not to be tried again', async () => {
    const pool = new Pool({ connectionString });
    await using store = new PostgresTokenStore({ pool });
    await store.ready();
    await pool.end();
    await expect(store.findToken(ada)).rejects.toMatchObject({
      code: 'HANDLE_CLOSED',
      retryable: false,
    });
  });

  it('without a free connection, or that hangs, is given up in time, and the next call works', async () => {
    const pool = new Pool({ connectionString, max: 1 });
    let hangs = false;
    let destroyed = 0;
    await using store = new PostgresTokenStore({
      timeout: 1_000,
      schema: 'hanging',
      pool: {
        // One that knows no callbacks.
        async connect() {
          const connection = await pool.connect();
          return {
            query: (sql, values) =>
              hangs ? new Promise<never>(() => {}) : connection.query(sql, values),
            release: (destroy) => {
              if (destroy) destroyed += 1;
              connection.release(destroy);
            },
            on: (event, listener) => connection.on(event, listener),
            removeListener: (event, listener) => connection.removeListener(event, listener),
          };
        },
      },
    });
    await store.saveToken(ada);
    const busy = await pool.connect();
    await expect(store.findToken(ada)).rejects.toMatchObject({ code: 'TIMEOUT', retryable: true });
    busy.release();
    expect(await store.findToken(ada)).not.toBeNull();
    hangs = true;
    await expect(store.saveToken(ada)).rejects.toMatchObject({ code: 'TIMEOUT' });
    expect(destroyed).toBe(1);
    hangs = false;
    expect(await store.saveToken(ada)).toMatchObject({ version: 2 });
    await pool.end();
  });
});

it('a server that ends connections, idle or not, does not end the process', async () => {
  const { url, name } = await server.createDatabase();
  await using store = new PostgresTokenStore({ url });
  await store.saveToken(ada);
  const kill = () =>
    server.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${name}'`,
    );
  for (let round = 0; round < 5; round += 1) {
    const finds = Promise.allSettled(Array.from({ length: 5 }, () => store.findToken(ada)));
    await kill();
    await finds;
    await kill();
  }
  await until('it finds again', async () => (await store.findToken(ada)) !== null);
});

it('a server that ends a connection in the piece that opens it does not end the process', async () => {
  await using proxy = await startFaultyProxy({ target: server });
  const readyForQuery = Buffer.from('Z\0\0\0\x05I', 'latin1');
  const fields = 'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0';
  const fatal = Buffer.alloc(5, 'E');
  fatal.writeInt32BE(4 + fields.length, 1);
  await using store = new PostgresTokenStore({ url: proxy.urlFor(connectionString) });
  for (let round = 0; round < 3; round += 1) {
    proxy.endAfterReply(Buffer.concat([fatal, Buffer.from(fields)]), (reply) =>
      reply.subarray(-readyForQuery.length).equals(readyForQuery),
    );
    await store.findToken(ada).catch((error: TokenStoreError) => {
      expect(error.code).toBe('CONNECTION_FAILED');
    });
  }
  expect(await store.findToken(ada)).toBeNull();
});
