import { inspect } from 'node:util';
import { OAuthToken, type TokenInit, type TokenStoreError } from '@tokenkeep/core';
import {
  describeServer,
  type FaultyProxy,
  type MongoServer,
  startFaultyProxy,
  until,
} from '@tokenkeep/test-servers';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MongoTokenStore, type MongoTokenStoreOptions } from '../src/index.ts';
import { sharedMongo } from './definition.ts';

let server: MongoServer;
let client: MongoClient;
let databases = 0;
const newDatabase = () => `tokenkeep_test_${process.pid}_${++databases}`;
const open = (database: string, options: Partial<MongoTokenStoreOptions> = {}) =>
  new MongoTokenStore({ url: server.url, database, ...options });
const save = (store: MongoTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const user = (name: string) => ({ userSignature: { name } });
const failure = (promise: Promise<unknown>): Promise<TokenStoreError> =>
  promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error) => error,
  );

beforeAll(async () => {
  server = await sharedMongo();
  console.log(describeServer(server));
  client = new MongoClient(server.url);
}, 180_000);

afterAll(async () => {
  const { databases: all } = await client.db().admin().listDatabases();
  for (const { name } of all) {
    if (name.startsWith(`tokenkeep_test_${process.pid}_`)) await client.db(name).dropDatabase();
  }
  await client.close();
});

describe('racing saves that share a key leave one record', () => {
  it.each<[string, (round: number) => TokenInit[]]>([
    [
      'of a user with and without the client',
      (n) => [
        { ...user(`u${n}`), refreshToken: `r${n}` },
        { ...user(`u${n}`), clientId: 'c', refreshToken: `s${n}` },
      ],
    ],
    [
      'of a refresh token with and without the user',
      (n) => [{ refreshToken: `r${n}` }, { ...user(`u${n}`), refreshToken: `r${n}` }],
    ],
    [
      'of an access token with and without the user',
      (n) => [{ accessToken: `a${n}` }, { ...user(`u${n}`), accessToken: `a${n}` }],
    ],
    [
      'of a user, a refresh token and both',
      (n) => [
        { ...user(`u${n}`), accessToken: `a${n}` },
        { refreshToken: `r${n}` },
        { ...user(`u${n}`), refreshToken: `r${n}` },
      ],
    ],
  ])('%s', async (_case, tokens) => {
    const database = newDatabase();
    await using one = open(database);
    await using two = open(database);
    await using three = open(database);
    const stores = [one, two, three];
    for (let round = 0; round < 8; round += 1) {
      const racing = tokens(round);
      await Promise.all(racing.map((init, index) => save(stores[index] ?? one, init)));
      // Whichever came last, the one that names most stands for all of them.
      await save(one, Object.assign({}, ...racing));
      expect(await one.getTokens()).toHaveLength(round + 1);
    }
  });

  it('beside one of another client, while that comes and goes', async () => {
    const database = newDatabase();
    await using one = open(database);
    await using two = open(database);
    await using three = open(database);
    for (let round = 0; round < 8; round += 1) {
      const ada = user(`ada${round}`);
      const other = await save(one, { ...ada, clientId: 'c1', refreshToken: `r${round}` });
      await Promise.all([
        save(one, { ...ada, clientId: 'c2', refreshToken: `s${round}` }),
        save(two, { ...ada, clientId: 'c2', refreshToken: `t${round}` }),
        three.deleteToken(other.id ?? ''),
      ]);
      const left = (await one.getTokens()).filter(
        (token) => token.userSignature?.name === ada.userSignature.name,
      );
      expect(left.map((token) => token.clientId)).toEqual(['c2']);
    }
  });

  it('for each of many clients that start to know one user', async () => {
    const database = newDatabase();
    const stores = Array.from({ length: 4 }, () => open(database));
    const saves = Array.from({ length: 24 }, (_, n) =>
      stores.map((store) =>
        save(store, { ...user('ada'), clientId: `c${n % 8}`, accessToken: `a${n % 8}` }),
      ),
    );
    await Promise.all(saves.flat());
    const [store] = stores;
    expect(await store?.getTokens()).toHaveLength(8);
    await store?.deleteTokens();
    expect(await client.db(database).collection('oauthtoken').countDocuments()).toBe(1);
    for (const each of stores) await each.close();
  }, 120_000);
});

describe('a save of a known user', () => {
  it('is one query and one write; one query more where another client has the same user', async () => {
    const database = newDatabase();
    await using watched = new MongoClient(server.url, { monitorCommands: true });
    const commands: string[] = [];
    watched.on('commandStarted', ({ commandName }) => {
      commands.push(commandName);
    });
    await using store = new MongoTokenStore({ client: watched, database });
    const commandsOf = async (init: TokenInit) => {
      commands.length = 0;
      await save(store, init);
      return commands;
    };
    await save(store, { ...user('ada'), clientId: '1', refreshToken: 'r1' });
    // What it wrote itself it need not read.
    expect(await commandsOf({ ...user('ada'), scope: 's' })).toEqual(['update']);
    await using other = open(database);
    await save(other, { ...user('ada'), scope: 't' });
    const update = { ...user('ada'), accessToken: 'a' };
    expect(await commandsOf(update)).toEqual(['update', 'find', 'update']);
    expect(await commandsOf({ ...update, accessToken: 'b' })).toEqual(['find', 'update']);
    await save(other, { ...user('ada'), clientId: '2', refreshToken: 'r2' });
    expect(await commandsOf({ ...update, clientId: '1' })).toEqual(['find', 'find', 'update']);
    commands.length = 0;
    await store.findToken(new OAuthToken({ refreshToken: 'r1' }));
    expect(commands).toEqual(['find']);
  });
});

describe('a collection', () => {
  it('is made a store once, whoever opens it first', async () => {
    const database = newDatabase();
    const stores = Array.from({ length: 8 }, () => open(database));
    await Promise.all(
      stores.map((store, n) => save(store, { ...user(`u${n}`), refreshToken: 'r' })),
    );
    expect(await stores[0]?.getTokens()).toHaveLength(8);
    const indexes = await client.db(database).collection('oauthtoken').indexes();
    expect(indexes.map(({ name }) => name).sort()).toEqual([
      '_id_',
      'tokenkeep_claims',
      'tokenkeep_keys',
      'tokenkeep_order',
    ]);
    for (const store of stores) await store.close();
  });

  it.each<[string, (database: string) => Promise<unknown>]>([
    [
      'with documents of something else',
      (database) => client.db(database).collection('oauthtoken').insertOne({ name: 'mine' }),
    ],
    [
      'with an index of something else',
      (database) => client.db(database).collection('oauthtoken').createIndex({ name: 1 }),
    ],
    [
      'of a later version',
      (database) =>
        client
          .db(database)
          .collection<{ _id: string; schema: number }>('oauthtoken')
          .insertOne({ _id: 'tokenkeep', schema: 3 }),
    ],
  ])('%s is refused and left as it is', async (_case, fill) => {
    const database = newDatabase();
    await fill(database);
    const collection = client.db(database).collection('oauthtoken');
    const before = [await collection.find().toArray(), await collection.indexes()];
    await using store = open(database);
    expect(await failure(store.ready())).toMatchObject({
      code: 'SCHEMA_UNKNOWN',
      operation: 'ready',
    });
    expect(await failure(save(store, { refreshToken: 'r' }))).toMatchObject({
      code: 'SCHEMA_UNKNOWN',
    });
    expect([await collection.find().toArray(), await collection.indexes()]).toEqual(before);
  });

  it('does not see another, nor other documents of the database', async () => {
    const database = newDatabase();
    await using one = open(database);
    await using two = open(database, { collection: 'OAuthToken' });
    await client.db(database).collection('mine').insertOne({ kept: true });
    await save(one, { refreshToken: 'r' });
    await save(two, { refreshToken: 'r' });
    await one.deleteTokens();
    expect(await two.getTokens()).toHaveLength(1);
    expect(await client.db(database).collection('mine').countDocuments()).toBe(1);
  });

  it('holds records that were damaged: an error that names no secret, and nothing is changed', async () => {
    const database = newDatabase();
    await using store = open(database);
    const { id = '' } = await save(store, { ...user('ada'), refreshToken: '1000.secret' });
    const documents = client.db(database).collection('oauthtoken');
    await documents.updateOne({ kind: 'token' }, { $set: { 'record.extra': '{"1000.secret' } });
    for (const call of [
      () => store.findToken(new OAuthToken(user('ada'))),
      () => store.findTokenById(id),
      () => store.getTokens(),
      () => save(store, { ...user('ada'), accessToken: 'a' }),
    ]) {
      const error = await failure(call());
      expect(error.code).toBe('RECORD_CORRUPT');
      expect(inspect(error)).not.toContain('1000.secret');
    }
    expect(await documents.countDocuments({ 'record.extra': '{"1000.secret' })).toBe(1);
    // What the error advises.
    await store.deleteToken(id);
    expect(await store.getTokens()).toEqual([]);
  });

  it('holds a record that is none any more: an error, and not left out of the list', async () => {
    const database = newDatabase();
    await using store = open(database);
    await save(store, { ...user('ada'), refreshToken: 'r' });
    const documents = client.db(database).collection('oauthtoken');
    await documents.updateOne({ kind: 'token' }, { $set: { kind: 'rekord' } });
    expect(await failure(store.getTokens())).toMatchObject({ code: 'RECORD_CORRUPT' });
  });

  it('that was dropped while it was open is neither empty nor filled without its indexes', async () => {
    const database = newDatabase();
    await using store = open(database);
    const { id = '' } = await save(store, { ...user('ada'), refreshToken: 'r' });
    await client.db(database).dropCollection('oauthtoken');
    const unknown = { code: 'SCHEMA_UNKNOWN' };
    expect(await failure(store.findToken(new OAuthToken(user('ada'))))).toMatchObject(unknown);
    expect(await failure(store.findTokenById(id))).toMatchObject(unknown);
    const saved = save(store, { ...user('ada'), refreshToken: 'r' });
    expect(await failure(saved)).toMatchObject(unknown);
  });
});

describe('a client that was handed in', () => {
  it('is used and not closed', async () => {
    const database = newDatabase();
    const store = new MongoTokenStore({ client, database });
    await save(store, { refreshToken: 'r' });
    await store.close();
    expect(await client.db(database).collection('oauthtoken').countDocuments()).toBe(2);
  });

  it('may read values in its own way', async () => {
    const database = newDatabase();
    await using own = new MongoClient(server.url, {
      promoteLongs: false,
      promoteValues: false,
      readPreference: 'secondaryPreferred',
      writeConcern: { w: 0 },
    });
    await using store = new MongoTokenStore({ client: own, database });
    const expiresAt = 2 ** 45;
    await save(store, { ...user('ada'), refreshToken: 'r', expiresAt });
    await save(store, { ...user('ada'), scope: 's' });
    expect((await store.getTokens()).map((token) => token.toRecord())).toMatchObject([
      { userName: 'ada', refreshToken: 'r', expiresAt, scope: 's', version: 2 },
    ]);
  });

  it('that is closed is an error', async () => {
    const closed = new MongoClient(server.url);
    const store = new MongoTokenStore({ client: closed, database: newDatabase() });
    await store.ready();
    await closed.close();
    const error = await failure(store.getTokens());
    expect(error).toMatchObject({
      code: 'HANDLE_CLOSED',
      operation: 'getTokens',
      retryable: false,
    });
    await store.close();
  });
});

describe('a connection that fails', () => {
  let proxy: FaultyProxy;
  const impatient = { serverSelectionTimeoutMS: 1_500, connectTimeoutMS: 1_500 };
  beforeAll(async () => {
    proxy = await startFaultyProxy({ target: { host: server.host, port: server.port } });
  });
  afterAll(() => proxy.stop());
  const through = (database: string, options = {}) =>
    open(database, {
      url: proxy.urlFor(server.url),
      options: { ...impatient, ...options },
    });

  it('rejects in time, and the store works again when the server does', async () => {
    await using store = through(newDatabase());
    await save(store, { ...user('ada'), refreshToken: 'r' });
    proxy.refuse();
    const error = await failure(store.getTokens());
    expect(error).toMatchObject({
      code: 'CONNECTION_FAILED',
      retryable: true,
      operation: 'getTokens',
    });
    proxy.pass();
    await until('it works again', async () => (await store.getTokens()).length === 1);
  });

  it('that was never there: the next call tries again', async () => {
    proxy.refuse();
    await using store = through(newDatabase());
    expect(await failure(store.ready())).toMatchObject({ code: 'CONNECTION_FAILED' });
    proxy.pass();
    await until('it opens', () => store.ready().then(() => true));
  });

  it('to a host that does not exist', async () => {
    await using store = open(newDatabase(), {
      url: 'mongodb://tokenkeep.invalid',
      tls: false,
      options: impatient,
    });
    expect(await failure(store.ready())).toMatchObject({
      code: 'CONNECTION_FAILED',
      retryable: true,
    });
  });

  it('with TLS, to a server that has none', async () => {
    await using store = open(newDatabase(), { options: { ...impatient, tls: true } });
    expect(['TLS_REQUIRED', 'CONNECTION_FAILED']).toContain((await failure(store.ready())).code);
  });

  it('that gives no answer is given up in time', async () => {
    await using store = through(newDatabase(), {
      socketTimeoutMS: 500,
      heartbeatFrequencyMS: 60_000,
    });
    await save(store, { ...user('ada'), refreshToken: 'r' });
    proxy.dropReplies();
    const error = await failure(save(store, { ...user('ada'), accessToken: 'a' }));
    expect(['TIMEOUT', 'CONNECTION_FAILED']).toContain(error.code);
    expect(error.retryable).toBe(true);
    proxy.pass();
    proxy.cut();
    await until('it works again', async () => (await store.getTokens()).length === 1);
  });

  it('after the work was done: the save is acknowledged, and was done once', async () => {
    await using store = through(newDatabase());
    const first = await save(store, { ...user('ada'), refreshToken: 'r' });
    const isReplace = (request: Buffer) =>
      request.includes('accessToken') && request.includes('update');
    for (let round = 0; round < 2; round += 1) {
      const { reset } = proxy.counts;
      proxy.dropNextReply(isReplace);
      const saved = await store.saveToken(first.with({ accessToken: `a${round}`, id: null }), {
        ifVersion: round + 1,
      });
      expect(proxy.counts.reset).toBe(reset + 1);
      expect(saved.version).toBe(round + 2);
    }
    proxy.dropNextReply((request) => request.includes('insert') && request.includes('bob'));
    expect(await save(store, { ...user('bob'), refreshToken: 's' })).toMatchObject({ version: 1 });
    expect(await store.getTokens()).toHaveLength(2);
  });

  it('in the middle of a request: never doubles or loses what was acknowledged', async () => {
    await using store = through(newDatabase());
    let acknowledged = 0;
    await save(store, { ...user('ada'), refreshToken: 'r' });
    for (let round = 0; round < 12; round += 1) {
      proxy.cutAfterBytes(round * 200);
      const saving = save(store, { ...user('ada'), accessToken: `a${round}` });
      acknowledged = Math.max(
        acknowledged,
        await saving.then(
          ({ version = 0 }) => version,
          () => 0,
        ),
      );
    }
    proxy.pass();
    await until('it works again', async () => (await store.getTokens()).length === 1);
    const [record] = await store.getTokens();
    expect(record?.version).toBeGreaterThanOrEqual(acknowledged);
    expect(record?.version).toBeLessThanOrEqual(13);
  });
});
