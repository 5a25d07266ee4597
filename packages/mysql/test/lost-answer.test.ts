import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import { type SqlServer, startMariadb } from '@tokenkeep/test-servers';
import { createPool } from 'mysql2/promise';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type MysqlPool, MysqlTokenStore } from '../src/index.ts';

const save = (store: MysqlTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const ada = { userSignature: { name: 'ada' } };

let server: SqlServer;
beforeAll(async () => {
  server = await startMariadb();
}, 300_000);
afterAll(() => server.stop());

it('a save that is decided anew, as its answer was lost, is another write', async () => {
  const { url } = await server.createDatabase();
  const pool = createPool(url);
  const writtenAndLost = Promise.withResolvers<void>();
  const everythingElseDone = Promise.withResolvers<void>();
  const lossy = new MysqlTokenStore({
    pool: once(pool, async (update) => {
      await update();
      writtenAndLost.resolve();
      await everythingElseDone.promise;
      throw Object.assign(new Error('lost'), { code: 'PROTOCOL_CONNECTION_LOST' });
    }),
  });
  const other = new MysqlTokenStore({ pool });
  await save(other, { ...ada, refreshToken: 'r' });
  const losing = save(lossy, { ...ada, accessToken: 'a' });
  await writtenAndLost.promise;
  const slow = new MysqlTokenStore({
    pool: once(pool, async (update) => {
      // It has read the row; before it writes, another save and the one above come first.
      await save(other, { ...ada, scope: 's' });
      everythingElseDone.resolve();
      await losing;
      return update();
    }),
  });
  const last = await save(slow, { ...ada, redirectUrl: 'https://example.com' });
  expect(last.toRecord()).toMatchObject({ scope: 's', accessToken: 'a' });
  expect(last.version).toBe(5);
  for (const store of [lossy, slow, other]) await store.close();
  await pool.end();
});

/** A pool on which the first `UPDATE` of the table is carried out by `instead`. */
function once(
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
