import { OAuthToken, type TokenInit, type TokenStoreError } from '@tokenkeep/core';
import { describeSurvivors, RACING_SAVES, race, saveDuring } from '@tokenkeep/load-checks';
import {
  describeServer,
  type FaultyProxy,
  type SqlServer,
  startFaultyProxy,
  startMariadb,
  startMysql,
  until,
} from '@tokenkeep/test-servers';
import { createConnection, createPool } from 'mysql2/promise';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MysqlTokenStore } from '../src/index.ts';

const save = (store: MysqlTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const user = (name: string) => ({ userSignature: { name } });
const failure = (promise: Promise<unknown>): Promise<TokenStoreError> =>
  promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error) => error,
  );

describe.each([
  ['MariaDB', startMariadb],
  ['MySQL', startMysql],
] as const)('%s', (_name, start) => {
  let server: SqlServer;
  beforeAll(async () => {
    server = await start({ own: true });
    console.log(describeServer(server));
  }, 300_000);
  afterAll(() => server.stop());
  const database = (options?: string) => server.createDatabase(options);

  describe.each(['READ COMMITTED', 'REPEATABLE READ'])(
    'with %s, racing saves that share a key leave one record',
    (isolation) => {
      it.each(RACING_SAVES)('%s', async (_case, pair) => {
        const { url } = await database();
        const pool = createPool({ uri: url });
        pool.pool.on('connection', (connection) => {
          connection.query(`SET SESSION TRANSACTION ISOLATION LEVEL ${isolation}`);
        });
        await using one = new MysqlTokenStore({ pool });
        await using two = new MysqlTokenStore({ pool });
        expect(await race([one, two], pair, 25)).toEqual(Array.from({ length: 25 }, () => 0));
        await pool.end();
      });
    },
  );

  it('sees who came to share a key since it saved last, though it does not read before a save', async () => {
    const { url } = await database();
    await using one = new MysqlTokenStore({ url });
    await using two = new MysqlTokenStore({ url });
    const ada = { ...user('ada'), clientId: 'a', refreshToken: 'r' };
    const first = await save(one, ada);
    const again = await save(one, { ...ada, accessToken: 'x' });
    expect([again.id, again.version]).toEqual([first.id, 2]);

    await save(two, { ...user('ada'), clientId: 'b', refreshToken: 's' });
    expect((await failure(save(one, { ...user('ada'), accessToken: 'y' }))).code).toBe(
      'AMBIGUOUS_TOKEN',
    );

    await save(two, { ...ada, accessToken: 'z' });
    expect((await save(one, { ...ada, accessToken: 'x2' })).version).toBe(4);

    await save(one, { ...user('eve'), refreshToken: 'e' });
    const bob = await save(two, { ...user('bob'), refreshToken: 't' });
    expect((await failure(save(one, { id: bob.id, refreshToken: 'e' }))).code).toBe(
      'AMBIGUOUS_TOKEN',
    );
    expect(await one.getTokens()).toHaveLength(4);
  });

  it('a save that waited does not take a key that others came to share meanwhile', async () => {
    const { url } = await database();
    await using slow = new MysqlTokenStore({ url });
    await using fast = new MysqlTokenStore({ url });
    await save(slow, { ...user('ada'), refreshToken: 'old' });
    const inTheWay = await createConnection(url);
    await inTheWay.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
    await inTheWay.query('START TRANSACTION');
    await inTheWay.query('SELECT 1 FROM oauthtoken FOR UPDATE');
    const late = save(slow, { ...user('ada'), refreshToken: 'shared' });
    await until('the save waits for the row', async () => {
      const [rows] = await inTheWay.query('SHOW ENGINE INNODB STATUS');
      return JSON.stringify(rows).includes('LOCK WAIT');
    });
    const first = await save(fast, { clientId: 'a', refreshToken: 'shared' });
    await save(fast, { clientId: 'b', refreshToken: 'shared' });
    await fast.deleteToken(first.id ?? '');
    await inTheWay.query('ROLLBACK');
    await inTheWay.end();
    // It matches the one that is left, which names no user.
    const { id } = await late;
    expect((await slow.getTokens()).map((token) => token.id)).toEqual([id]);
  });

  it('keeps text exactly in a database with another character set and collation', async () => {
    const { url } = await database('CHARACTER SET latin1 COLLATE latin1_swedish_ci');
    await using store = new MysqlTokenStore({ url });
    const names = ['ada', 'Ada', 'ada ', 'àda', 'ad\0a', '😀', '漢', 'a%', "a'--"];
    for (const name of names) await save(store, { ...user(name), refreshToken: name.repeat(2000) });
    for (const name of names) {
      const found = await store.findToken(new OAuthToken(user(name)));
      expect(found?.refreshToken).toBe(name.repeat(2000));
    }
    expect((await store.getTokens()).map((token) => token.userSignature?.name)).toEqual(names);
  });

  it('saves a record that has a token in common with another user, which this save does not name', async () => {
    const { url } = await database();
    await using store = new MysqlTokenStore({ url });
    await save(store, { ...user('bob'), refreshToken: 'b', accessToken: 'shared' });
    await save(store, { ...user('ada'), refreshToken: 'a', accessToken: 'shared' });
    const renewed = await save(store, { ...user('ada'), refreshToken: 'a2' });
    expect(renewed).toMatchObject({ refreshToken: 'a2', accessToken: 'shared', version: 2 });
  });

  it('absorbs a record that has a token in common with another user', async () => {
    const { url } = await database();
    await using store = new MysqlTokenStore({ url });
    await save(store, { ...user('bob'), refreshToken: 'shared' });
    await save(store, { ...user('ada'), refreshToken: 'shared', accessToken: 'a' });
    await save(store, { grantToken: 'g' });
    await save(store, { clientId: 'c', grantToken: 'g', accessToken: 'a' });
    const left = (await store.getTokens()).map((token) => token.userSignature?.name);
    expect(left.toSorted()).toEqual(['ada', 'bob']);
  });

  it('leaves a table of another shape as it is', async () => {
    const { name, url } = await database();
    await server.query(`CREATE TABLE ${name}.oauthtoken (id VARCHAR(10), user_name VARCHAR(255))`);
    await using store = new MysqlTokenStore({ url });
    expect(await failure(store.ready())).toMatchObject({ code: 'SCHEMA_UNKNOWN' });
    const tables = await server.query(`SHOW TABLES IN ${name}`);
    expect(tables).toHaveLength(1);
  });

  it('a row without a version is damaged', async () => {
    const { url, name } = await database();
    await using store = new MysqlTokenStore({ url });
    await save(store, { ...user('ada'), refreshToken: 'r' });
    await server.query(`UPDATE ${name}.oauthtoken SET version = NULL`);
    expect((await failure(store.findToken(new OAuthToken(user('ada'))))).code).toBe(
      'RECORD_CORRUPT',
    );
  });

  it('two stores open an empty database at once', async () => {
    const { url } = await database();
    const stores = Array.from({ length: 8 }, () => new MysqlTokenStore({ url }));
    await Promise.all(stores.map((store) => store.ready()));
    await Promise.all(stores.map((store) => store.close()));
  });

  it('F2 a deleteTokens() that was rejected removes nothing later', async () => {
    const { url, name } = await database();
    await using store = new MysqlTokenStore({ url, timeout: 500 });
    for (const each of ['ada', 'bob', 'eve'])
      await save(store, { ...user(each), refreshToken: each });
    const holder = await createConnection(url);
    await holder.query('START TRANSACTION');
    await holder.query('SELECT 1 FROM oauthtoken WHERE position = 2 FOR UPDATE');
    expect(await failure(store.deleteTokens())).toMatchObject({ code: 'TIMEOUT', retryable: true });
    await save(store, { ...user('newcomer'), refreshToken: 'n' });
    await holder.query('ROLLBACK');
    await holder.end();
    await until('the server has nothing to do', async () => {
      const busy = await server.query(
        `SELECT 1 FROM information_schema.processlist WHERE db = '${name}' AND command <> 'Sleep'`,
      );
      return Array.isArray(busy) && busy.length === 0;
    });
    const left = async () => (await store.getTokens()).map((token) => token.userSignature?.name);
    expect(await left()).toEqual(['bob', 'newcomer']);
    await store.deleteTokens();
    expect(await left()).toEqual([]);
  });

  it('a deleteTokens() removes what was there, beside saves that never end', async () => {
    const { url } = await database();
    await using store = new MysqlTokenStore({ url });
    await using other = new MysqlTokenStore({ url });
    const names = Array.from({ length: 450 }, (_, at) => `u${at}`);
    const all = await Promise.all(
      names.map((each) => save(store, { ...user(each), refreshToken: each })),
    );
    let isOver = false;
    const saving = Promise.all(
      names.slice(0, 8).map(async (each) => {
        for (let round = 0; !isOver; round += 1) {
          await save(other, { ...user(each), refreshToken: each, scope: `${round}` });
        }
      }),
    );
    await store.deleteTokens();
    isOver = true;
    await saving;
    const ids = new Set(all.map(({ id }) => id));
    expect((await store.getTokens()).filter(({ id }) => ids.has(id))).toEqual([]);
  });

  it('uses few prepared statements, whatever fields a save has', async () => {
    const { url } = await database();
    const options = { connectionLimit: 1 };
    await using store = new MysqlTokenStore({ url, options });
    const fields = [
      'scope',
      'apiDomain',
      'redirectUrl',
      'tokenType',
      'issuer',
      'lease',
      'accessToken',
    ];
    const { id } = await save(store, { ...user('ada'), refreshToken: 'r' });
    for (let subset = 0; subset < 2 ** fields.length; subset += 1) {
      const some = fields.filter((_, at) => (subset & (1 << at)) !== 0);
      await save(store, { id, ...Object.fromEntries(some.map((field) => [field, `${subset}`])) });
    }
    expect((await store.findTokenById(id ?? ''))?.version).toBe(129);
    const [count] = (await server.query("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")) as [
      { Value: string },
    ];
    expect(Number(count.Value)).toBeLessThan(40);
  });

  it('a limit of the server on prepared statements is told by a code, and may be over later', async () => {
    const { url } = await database();
    const before = await server.query('SELECT @@GLOBAL.max_prepared_stmt_count AS most');
    await server.query('SET GLOBAL max_prepared_stmt_count = 0');
    try {
      await using store = new MysqlTokenStore({ url });
      expect(await failure(store.ready())).toMatchObject({ code: 'THROTTLED', retryable: true });
    } finally {
      const [{ most }] = before as [{ most: number }];
      await server.query(`SET GLOBAL max_prepared_stmt_count = ${most}`);
    }
  });

  it('does not close a pool that was handed in', async () => {
    const { url } = await database();
    const pool = createPool({ uri: url });
    const store = new MysqlTokenStore({ pool });
    await save(store, { refreshToken: 'r' });
    await store.close();
    const [rows] = await pool.query('SELECT COUNT(*) AS count FROM oauthtoken');
    expect(rows).toEqual([{ count: 1 }]);
    await pool.end();
  });

  it.each([
    ['a wrong password', 'ACCESS_DENIED', (url: URL) => Object.assign(url, { password: 'SECRET' })],
    [
      'a missing database',
      'DATABASE_MISSING',
      (url: URL) => Object.assign(url, { pathname: '/SECRET' }),
    ],
    [
      'a port where nothing listens',
      'CONNECTION_FAILED',
      (url: URL) => Object.assign(url, { port: '1' }),
    ],
  ])('%s is told by its code, without a secret', async (_case, code, broken) => {
    const { url } = await database();
    await using store = new MysqlTokenStore({ url: broken(new URL(url)).href });
    const error = await failure(store.ready());
    expect(error).toMatchObject({ code, operation: 'ready' });
    // Where it is, is no secret.
    if (code === 'CONNECTION_FAILED') expect(error.message).toContain('127.0.0.1:1');
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('SECRET');
  });

  it('a server that takes no writes is told by its code, and the next call may reach another', async () => {
    const { url } = await database();
    await using store = new MysqlTokenStore({ url });
    await store.ready();
    await server.query(`CREATE USER IF NOT EXISTS reader IDENTIFIED BY 'x'`);
    await server.query(
      `GRANT SELECT, INSERT, UPDATE, DELETE, CREATE ON ${new URL(url).pathname.slice(1)}.* TO reader`,
    );
    await using proxy = await startFaultyProxy({ target: server });
    const asReader = new URL(proxy.urlFor(url));
    Object.assign(asReader, { username: 'reader', password: 'x' });
    await server.query('SET GLOBAL read_only = 1');
    try {
      await using reading = new MysqlTokenStore({ url: asReader.href });
      expect(await reading.getTokens()).toEqual([]);
      expect(await reading.getTokens()).toEqual([]);
      expect(proxy.counts.connections).toBe(1);
      expect(await failure(save(reading, { refreshToken: 'r' }))).toMatchObject({
        code: 'READ_ONLY',
        retryable: true,
      });
      // After a failover, the name of the server stands for another, which only a new connection reaches.
      await server.query('SET GLOBAL read_only = 0');
      await save(reading, { refreshToken: 'r' });
      expect(proxy.counts.connections).toBe(2);
    } finally {
      await server.query('SET GLOBAL read_only = 0');
    }
  });

  describe('a connection that breaks', () => {
    let proxy: FaultyProxy;
    let url: string;
    beforeAll(async () => {
      proxy = await startFaultyProxy({ target: server });
      url = proxy.urlFor((await database()).url);
    });
    afterAll(() => proxy.stop());

    it('in the middle of saves neither loses nor doubles what was acknowledged', async () => {
      await using store = new MysqlTokenStore({ url });
      await save(store, { ...user('ada'), refreshToken: 'r' });
      let acknowledged = 1;
      for (let round = 0; round < 40; round += 1) {
        if (round % 4 === 1) proxy.cutAfterBytes(round * 37);
        if (round % 4 === 3) proxy.cut();
        const { version = 0 } = await save(store, {
          ...user('ada'),
          accessToken: `a${round}`,
        }).catch(() => ({ version: 0 }));
        acknowledged = Math.max(acknowledged, version);
        proxy.pass();
      }
      const tokens = await store.getTokens();
      expect(tokens).toHaveLength(1);
      expect(tokens[0]?.version).toBeGreaterThanOrEqual(acknowledged);
      expect(tokens[0]?.version).toBeLessThanOrEqual(41);
    });

    it('after the server did the work is noticed: the save is acknowledged, and done once', async () => {
      await using store = new MysqlTokenStore({ url, table: 'replies' });
      const before = await save(store, { ...user('ada'), refreshToken: 'r' });
      proxy.dropNextReply((request) => request.includes('reply-is-lost'));
      const saved = await save(store, { ...user('ada'), accessToken: 'reply-is-lost' });
      expect(saved.version).toBe((before.version ?? 0) + 1);
    });

    it('is told in time where the server does not answer, and the store works when it does', async () => {
      await using store = new MysqlTokenStore({
        url,
        table: 'slow',
        timeout: 500,
        options: { connectTimeout: 500 },
      });
      await save(store, { refreshToken: 'r' });
      proxy.latency(5000);
      expect((await failure(store.getTokens())).code).toMatch(/TIMEOUT|CONNECTION_FAILED/);
      proxy.pass();
      proxy.cut();
      expect(await store.getTokens()).toHaveLength(1);
    });
  });

  it('killed and started again under load, loses and doubles nothing that was acknowledged', async () => {
    const { url } = await database();
    await using store = new MysqlTokenStore({ url });
    const survivors = await saveDuring(store, async () => {
      await server.kill();
      await server.restart();
    });
    console.log(describeSurvivors(survivors));
    expect(survivors).toMatchObject({ lost: 0, doubled: 0 });
  });
});
