import { OAuthToken, type TokenInit, type TokenStoreError } from '@tokenkeep/core';
import { describeSurvivors, RACING_SAVES, race, saveDuring } from '@tokenkeep/load-checks';
import {
  describeServer,
  type FaultyProxy,
  type PostgresServer,
  startFaultyProxy,
  startPgbouncer,
  startPostgres,
  until,
} from '@tokenkeep/test-servers';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresTokenStore } from '../src/index.ts';

const save = (store: PostgresTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const user = (name: string) => ({ userSignature: { name } });
const failure = (promise: Promise<unknown>): Promise<TokenStoreError> =>
  promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error) => error,
  );
const namesIn = async (store: PostgresTokenStore) =>
  (await store.getTokens()).map((token) => token.userSignature?.name);

let server: PostgresServer;
let url: string;
let schemas = 0;
/** A place of its own in the database. */
const place = () => {
  schemas += 1;
  return { url, schema: `s${schemas}` };
};
beforeAll(async () => {
  server = await startPostgres({ own: true });
  console.log(describeServer(server));
  ({ url } = await server.createDatabase());
}, 300_000);
afterAll(() => server.stop());

describe.each(['read committed', 'repeatable read', 'serializable'])(
  'with %s as the default, racing saves that share a key leave one record',
  (isolation) => {
    it.each(RACING_SAVES)('%s', async (_case, pair) => {
      const { url: own, name } = await server.createDatabase();
      await server.query(
        `ALTER DATABASE ${name} SET default_transaction_isolation = '${isolation}'`,
      );
      await using one = new PostgresTokenStore({ url: own });
      await using two = new PostgresTokenStore({ url: own });
      expect(await race([one, two], pair, 25)).toEqual(Array.from({ length: 25 }, () => 0));
    });
  },
);

describe('records of different owners that share a key', () => {
  it('are seen by who saved last, though that does not read before a save', async () => {
    const at = place();
    await using one = new PostgresTokenStore(at);
    await using two = new PostgresTokenStore(at);
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

  it('are saved on, one by one, and absorb others', async () => {
    await using store = new PostgresTokenStore(place());
    await save(store, { ...user('bob'), refreshToken: 'shared' });
    await save(store, { ...user('ada'), refreshToken: 'shared', accessToken: 'a' });
    const renewed = await save(store, { ...user('ada'), accessToken: 'a2' });
    expect(renewed).toMatchObject({ refreshToken: 'shared', accessToken: 'a2', version: 2 });
    await save(store, { grantToken: 'g' });
    await save(store, { clientId: 'c', grantToken: 'g', accessToken: 'a2' });
    expect((await namesIn(store)).toSorted()).toEqual(['ada', 'bob']);
  });

  // Slot 0 is what two who both believe that nobody has a key can't both take.
  it.each([
    ['is deleted', (store: PostgresTokenStore, id: string) => store.deleteToken(id)],
    [
      'gets another',
      (store: PostgresTokenStore, id: string) => save(store, { id, refreshToken: 'other' }),
    ],
    [
      'loses it',
      (store: PostgresTokenStore, id: string) =>
        store.saveToken(new OAuthToken({ id, scope: 's' }), { clear: ['refreshToken'] }),
    ],
  ])('leave no gap where the first of them %s', async (_case, leave) => {
    const at = place();
    await using store = new PostgresTokenStore(at);
    const first = await save(store, { ...user('ada'), refreshToken: 'shared' });
    await save(store, { ...user('bob'), refreshToken: 'shared' });
    await save(store, { ...user('eve'), refreshToken: 'shared' });
    await leave(store, first.id ?? '');
    const slots = await server.query(
      `SELECT slots[4] AS slot FROM ${at.schema}.oauthtoken
       WHERE refresh_token = 'shared' ORDER BY position`,
      url,
    );
    expect(slots).toEqual([{ slot: 0 }, { slot: 2 }]);
    // What this process remembers is stale now, and is found to be.
    const saved = await save(store, { ...user('bob'), scope: 's' });
    expect(saved).toMatchObject({ version: 2, refreshToken: 'shared' });
  });
});

it('keeps text exactly in a database of another encoding', async () => {
  const { url: own } = await server.createDatabase("ENCODING 'LATIN1' TEMPLATE template0");
  await using store = new PostgresTokenStore({ url: own });
  const names = [
    'ada',
    'Ada',
    'ada ',
    'àda',
    'ad\0a',
    '😀',
    '漢',
    '\ufeffa',
    'a%',
    "a'--",
    '\\x41',
  ];
  for (const name of names) await save(store, { ...user(name), refreshToken: name.repeat(2000) });
  for (const name of names) {
    const found = await store.findToken(new OAuthToken(user(name)));
    expect(found?.refreshToken).toBe(name.repeat(2000));
  }
  expect(await namesIn(store)).toEqual(names);
});

it('leaves tables of another shape as they are', async () => {
  const { schema } = place();
  await server.query(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.oauthtoken (id text)`, url);
  await using store = new PostgresTokenStore({ url, schema });
  expect(await failure(store.ready())).toMatchObject({ code: 'SCHEMA_UNKNOWN' });
  const tables = await server.query(
    `SELECT tablename FROM pg_tables WHERE schemaname = '${schema}'`,
    url,
  );
  expect(tables).toEqual([{ tablename: 'oauthtoken' }]);
});

it('refuses tables of a later version', async () => {
  const at = place();
  await using store = new PostgresTokenStore(at);
  await store.ready();
  await server.query(`UPDATE ${at.schema}.oauthtoken_state SET schema_version = 99`, url);
  await using other = new PostgresTokenStore(at);
  expect(await failure(other.ready())).toMatchObject({ code: 'SCHEMA_UNKNOWN' });
});

it('eight stores open an empty database at once', async () => {
  const at = place();
  const stores = Array.from({ length: 8 }, () => new PostgresTokenStore(at));
  await Promise.all(stores.map((store) => store.ready()));
  await Promise.all(stores.map((store) => store.close()));
});

it('a user who may use the tables, but not make any, needs no more', async () => {
  const at = place();
  await using owner = new PostgresTokenStore(at);
  await owner.ready();
  await server.query(
    `CREATE ROLE app LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA ${at.schema} TO app;
     GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${at.schema} TO app`,
    url,
  );
  const asApp = Object.assign(new URL(url), { username: 'app', password: 'x' }).href;
  await using store = new PostgresTokenStore({ ...at, url: asApp });
  await save(store, { ...user('ada'), refreshToken: 'r' });
  await store.deleteTokens();
  await using elsewhere = new PostgresTokenStore({ url: asApp, schema: 'not_to_be_made' });
  expect(await failure(elsewhere.ready())).toMatchObject({ code: 'ACCESS_DENIED' });

  // What row level security hides can't be read, but stands in the way all the same.
  await save(owner, { ...user('ada'), refreshToken: 'hidden' });
  await server.query(
    `ALTER TABLE ${at.schema}.oauthtoken ENABLE ROW LEVEL SECURITY;
     CREATE POLICY none ON ${at.schema}.oauthtoken TO app USING (false) WITH CHECK (true)`,
    url,
  );
  const error = await failure(save(store, { ...user('ada'), refreshToken: 'mine' }));
  expect(error).toMatchObject({ code: 'ACCESS_DENIED', retryable: false, driverCode: '23505' });
  expect(error.message).toContain('ROW LEVEL SECURITY');
});

it('F2 a deleteTokens() that was rejected removes nothing later', async () => {
  const at = place();
  await using store = new PostgresTokenStore({ ...at, timeout: 1_000 });
  for (const each of ['ada', 'bob', 'eve'])
    await save(store, { ...user(each), refreshToken: each });
  const holder = new Client({ connectionString: url });
  await holder.connect();
  await holder.query('BEGIN');
  await holder.query(`SELECT 1 FROM ${at.schema}.oauthtoken WHERE position = 2 FOR UPDATE`);
  expect(await failure(store.deleteTokens())).toMatchObject({ code: 'TIMEOUT', retryable: true });
  await save(store, { ...user('newcomer'), refreshToken: 'n' });
  await holder.query('ROLLBACK');
  // The same with the lock that all such transactions begin with.
  await holder.query('BEGIN');
  await holder.query(`SELECT 1 FROM ${at.schema}.oauthtoken_state FOR UPDATE`);
  expect(await failure(store.deleteTokens())).toMatchObject({ code: 'TIMEOUT', retryable: true });
  await holder.query('ROLLBACK');
  await holder.end();
  await until('the server has nothing to do', async () => {
    const busy = await server.query(
      `SELECT 1 FROM pg_stat_activity WHERE datname = current_database()
       AND state <> 'idle' AND pid <> pg_backend_pid()`,
      url,
    );
    return busy.length === 0;
  });
  expect(await namesIn(store)).toEqual(['bob', 'newcomer']);
  await store.deleteTokens();
  expect(await namesIn(store)).toEqual([]);
});

it('a deleteTokens() removes what was there, beside saves that never end', async () => {
  const at = place();
  await using store = new PostgresTokenStore(at);
  await using other = new PostgresTokenStore(at);
  const names = Array.from({ length: 1_200 }, (_, number) => `u${number}`);
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

it('a process that stops in a transaction does not keep others waiting for ever', async () => {
  const at = place();
  await using proxy = await startFaultyProxy({ target: server });
  await using stuck = new PostgresTokenStore({ ...at, url: proxy.urlFor(url), timeout: 1_000 });
  await using store = new PostgresTokenStore(at);
  await save(stuck, { ...user('ada'), clientId: 'a', refreshToken: 'r' });
  proxy.latency(600_000);
  const sent = failure(save(stuck, { ...user('ada'), clientId: 'b', refreshToken: 's' }));
  await sent;
  proxy.pass();
  expect(await save(store, { ...user('ada'), clientId: 'c', refreshToken: 't' })).toMatchObject({
    version: 1,
  });
});

it.each([
  ['a wrong password', 'ACCESS_DENIED', (at: URL) => Object.assign(at, { password: 'SECRET' })],
  [
    'a missing database',
    'DATABASE_MISSING',
    (at: URL) => Object.assign(at, { pathname: '/SECRET' }),
  ],
  [
    'a port where nothing listens',
    'CONNECTION_FAILED',
    (at: URL) => Object.assign(at, { port: 1 }),
  ],
  [
    'a server without TLS',
    'TLS_REQUIRED',
    (at: URL) => Object.assign(at, { search: '?sslmode=require' }),
  ],
])('%s is told by its code, without a secret', async (_case, code, broken) => {
  await using store = new PostgresTokenStore({ url: broken(new URL(url)).href });
  const error = await failure(store.ready());
  expect(error).toMatchObject({ code, operation: 'ready' });
  // Where it is, is no secret.
  if (code === 'CONNECTION_FAILED') expect(error.message).toContain('127.0.0.1:1');
  expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('SECRET');
});

it('a server that takes no writes is told by its code, and the next call may reach another', async () => {
  const { url: own, name } = await server.createDatabase();
  await using first = new PostgresTokenStore({ url: own });
  await first.ready();
  await using proxy = await startFaultyProxy({ target: server });
  await server.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
  await using reading = new PostgresTokenStore({ url: proxy.urlFor(own) });
  expect(await reading.getTokens()).toEqual([]);
  expect(await reading.getTokens()).toEqual([]);
  expect(proxy.counts.connections).toBe(1);
  expect(await failure(save(reading, { refreshToken: 'r' }))).toMatchObject({
    code: 'READ_ONLY',
    retryable: true,
  });
  // After a failover, the name of the server stands for another, which only a new connection reaches.
  await server.query(`ALTER DATABASE ${name} SET default_transaction_read_only = off`);
  await save(reading, { refreshToken: 'r' });
  expect(proxy.counts.connections).toBe(2);
});

describe('a connection that breaks', () => {
  let proxy: FaultyProxy;
  beforeAll(async () => {
    proxy = await startFaultyProxy({ target: server });
  });
  afterAll(() => proxy.stop());

  it('in the middle of saves neither loses nor doubles what was acknowledged', async () => {
    await using store = new PostgresTokenStore({ ...place(), url: proxy.urlFor(url) });
    await save(store, { ...user('ada'), refreshToken: 'r' });
    let acknowledged = 1;
    let failed = 0;
    for (let round = 0; round < 40; round += 1) {
      if (round % 4 === 1) proxy.cutAfterBytes(round * 37);
      if (round % 4 === 3) proxy.cut();
      const { version = 0 } = await save(store, {
        ...user('ada'),
        accessToken: `a${round}`,
      }).catch(() => {
        failed += 1;
        return { version: 0 };
      });
      acknowledged = Math.max(acknowledged, version);
      proxy.pass();
    }
    console.log(
      `cuts: ${proxy.counts.reset}, failed: ${failed}, acknowledged: version ${acknowledged}`,
    );
    const tokens = await store.getTokens();
    expect(tokens).toHaveLength(1);
    expect(tokens[0]?.version).toBeGreaterThanOrEqual(acknowledged);
    expect(tokens[0]?.version).toBeLessThanOrEqual(41);
  });

  it('is told in time where the server does not answer, and the store works when it does', async () => {
    const at = { ...place(), url: proxy.urlFor(url) };
    await using store = new PostgresTokenStore({ ...at, timeout: 1_000 });
    await save(store, { refreshToken: 'r' });
    proxy.latency(20_000);
    expect((await failure(store.getTokens())).code).toMatch(/TIMEOUT|CONNECTION_FAILED/);
    proxy.pass();
    proxy.cut();
    expect(await store.getTokens()).toHaveLength(1);
  });
});

it.each(['the server', 'the server, behind PgBouncer'])(
  '%s, killed and started again under load, loses and doubles nothing that was acknowledged',
  async (way) => {
    const at = place();
    await using pooler = await startPgbouncer(server);
    const through = way.endsWith('PgBouncer') ? pooler.urlFor(url) : url;
    await using store = new PostgresTokenStore({ ...at, url: through });
    const survivors = await saveDuring(store, async () => {
      await server.kill();
      await server.restart();
    });
    console.log(`${way}: ${describeSurvivors(survivors)}`);
    expect(survivors).toMatchObject({ lost: 0, doubled: 0 });
  },
);
