import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import { type SqlServer, startFaultyProxy, until } from '@tokenkeep/test-servers';
import { createPool } from 'mysql2/promise';
import { beforeAll, describe, expect, it } from 'vitest';
import { type MysqlPool, MysqlTokenStore } from '../src/index.ts';
import { sharedMariadb, sharedMysql } from './servers.ts';

const save = (store: MysqlTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const ada = { userSignature: { name: 'ada' } };

describe.each([
  ['MariaDB', sharedMariadb],
  ['MySQL', sharedMysql],
] as const)('F1 a save whose answer is lost, on %s,', (_name, start) => {
  let server: SqlServer;
  beforeAll(async () => {
    server = await start();
  }, 300_000);

  it('is recognised, and not done again over what another process saved since', async () => {
    const { url } = await server.createDatabase();
    const pool = createPool(url);
    await using other = new MysqlTokenStore({ url });
    await using lossy = new MysqlTokenStore({
      pool: onFirstUpdate(pool, async (update) => {
        await update();
        await save(other, { ...ada, scope: 'of the other' });
        throw Object.assign(new Error('lost'), { code: 'PROTOCOL_CONNECTION_LOST' });
      }),
    });
    await save(other, { ...ada, refreshToken: 'r', scope: 'first' });
    const saved = await lossy.saveToken(new OAuthToken({ ...ada, scope: 'lost' }), {
      ifVersion: 1,
    });
    expect(saved).toMatchObject({ version: 2, scope: 'lost' });
    const left = await other.findToken(new OAuthToken(ada));
    expect(left).toMatchObject({ version: 3, scope: 'of the other' });
    await pool.end();
  });

  it('20 times, by a reset of the only connection, is done 20 times', async () => {
    const { url } = await server.createDatabase();
    await using proxy = await startFaultyProxy({ target: server });
    const options = { connectionLimit: 1 };
    await using lossy = new MysqlTokenStore({ url: proxy.urlFor(url), options });
    await using other = new MysqlTokenStore({ url, options });
    await save(lossy, { ...ada, refreshToken: 'r' });
    for (let round = 0; round < 20; round += 1) {
      proxy.dropNextReply((request) => request.includes(`lost-${round}`));
      const losing = save(lossy, { ...ada, scope: `lost-${round}` });
      await proxy.seen(({ reset }) => reset > round);
      const byOther = await save(other, { ...ada, scope: `other-${round}` });
      const bySelf = await losing;
      expect(bySelf.version).toBe(2 * round + 2);
      expect(byOther.version).toBe(2 * round + 3);
      const left = await other.findToken(new OAuthToken(ada));
      expect(left).toMatchObject({ version: 2 * round + 3, scope: `other-${round}` });
    }
  });

  it('and that adds a record is not done twice', async () => {
    const { url } = await server.createDatabase();
    await using proxy = await startFaultyProxy({ target: server });
    await using store = new MysqlTokenStore({ url: proxy.urlFor(url) });
    await store.ready();
    proxy.dropNextReply((request) => request.includes('reply-is-lost'));
    const added = await save(store, { ...ada, accessToken: 'reply-is-lost' });
    expect(proxy.counts.reset).toBe(1);
    expect(added.version).toBe(1);
    expect(await store.getTokens()).toHaveLength(1);
  });

  it('closed by the server while they were idle, connections make no error of an add', async () => {
    const { url, name } = await server.createDatabase();
    await using store = new MysqlTokenStore({ url });
    const open = async () => {
      const list = await server.query(
        `SELECT id FROM information_schema.processlist WHERE db = '${name}'`,
      );
      return (Array.isArray(list) ? list : []).map((row) => Number(row.id ?? row.ID));
    };
    for (const init of [{ ...ada, refreshToken: 'r' }, { extra: { verifier: 'v' } }]) {
      await Promise.all(Array.from({ length: 5 }, () => store.findToken(new OAuthToken(ada))));
      const ids = await open();
      expect(ids.length).toBeGreaterThan(1);
      for (const id of ids) await server.query(`KILL ${id}`);
      await until('they are closed', async () => (await open()).length === 0);
      expect(await save(store, init)).toMatchObject({ version: 1 });
    }
  });

  it('cut at the moment of the call, connections make no error of an add', async () => {
    const { url } = await server.createDatabase();
    await using proxy = await startFaultyProxy({ target: server });
    await using store = new MysqlTokenStore({ url: proxy.urlFor(url) });
    await store.ready();
    for (let round = 0; round < 5; round += 1) {
      await Promise.all(Array.from({ length: 5 }, () => store.findToken(new OAuthToken(ada))));
      proxy.cut();
      const added = round % 2 === 0 ? { refreshToken: `r${round}` } : { extra: { round } };
      expect(await save(store, added)).toMatchObject({ version: 1 });
    }
  });
});

/** A pool on which the first `UPDATE` of the table is carried out by `instead`. */
function onFirstUpdate(
  pool: MysqlPool,
  instead: (update: () => Promise<[unknown, unknown]>) => Promise<[unknown, unknown]>,
): MysqlPool {
  let isDone = false;
  return {
    async getConnection() {
      const connection = await pool.getConnection();
      return {
        execute(sql, values) {
          const execute = () => connection.execute(sql, values);
          if (isDone || !sql.startsWith('UPDATE `oauthtoken` ')) return execute();
          isDone = true;
          return instead(execute);
        },
        query: (sql) => connection.query(sql),
        release: () => connection.release(),
        destroy: () => connection.destroy(),
      };
    },
  };
}
