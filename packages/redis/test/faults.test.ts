import { OAuthToken, type TokenInit, type TokenStoreError } from '@tokenkeep/core';
import {
  type FaultyProxy,
  type RedisServer,
  startFaultyProxy,
  startRedis,
  until,
} from '@tokenkeep/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisTokenStore } from '../src/index.ts';

const DURABLE = { appendonly: true, appendfsync: 'always', own: true } as const;
const save = (store: RedisTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const user = (name: string) => ({ userSignature: { name } });
const failure = (promise: Promise<unknown>): Promise<TokenStoreError> =>
  promise.then(
    () => {
      throw new Error('it succeeded');
    },
    (error) => error,
  );

it('no save fails while the server forgets its scripts again and again', async () => {
  await using server = await startRedis(DURABLE);
  await using store = new RedisTokenStore({ url: server.url });
  for (let round = 1; round <= 20; round += 1) {
    const saves = Array.from({ length: 16 }, (_, n) =>
      save(store, { ...user(`user ${n}`), accessToken: `${n}.${round}` }),
    );
    await Promise.all([...saves, server.command('SCRIPT', 'FLUSH')]);
  }
  const versions = (await store.getTokens()).map((token) => token.version);
  expect(versions).toEqual(Array.from({ length: 16 }, () => 20));
}, 60_000);

describe('a connection that breaks', () => {
  let server: RedisServer;
  let proxy: FaultyProxy;
  let url: string;
  beforeAll(async () => {
    server = await startRedis(DURABLE);
    proxy = await startFaultyProxy({ target: server });
    url = proxy.urlFor(server.url);
  }, 300_000);
  afterAll(async () => {
    await proxy.stop();
    await server.stop();
  });

  it('in the middle of saves neither loses nor doubles what was acknowledged', async () => {
    await using store = new RedisTokenStore({ url, prefix: 'cut:' });
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
  }, 60_000);

  it('after the server did the work is noticed: the save is acknowledged, and done once', async () => {
    await using store = new RedisTokenStore({ url, prefix: 'reply:' });
    const before = await save(store, { ...user('ada'), refreshToken: 'r' });
    proxy.dropNextReply((request) => request.includes('reply-is-lost'));
    const saved = await save(store, { ...user('ada'), accessToken: 'reply-is-lost' });
    expect(saved.version).toBe((before.version ?? 0) + 1);
    expect((await store.getTokens()).map((token) => token.version)).toEqual([saved.version]);
  });

  it('is told in time where the server does not answer, and the store works when it does', async () => {
    await using store = new RedisTokenStore({ url, prefix: 'slow:', timeout: 500 });
    await save(store, { refreshToken: 'r' });
    proxy.latency(5_000);
    expect(await failure(store.getTokens())).toMatchObject({ code: 'TIMEOUT', retryable: true });
    proxy.pass();
    proxy.cut();
    expect(await store.getTokens()).toHaveLength(1);
  });
});

it('a failover that the name of the server follows ends at the new primary', async () => {
  await using primary = await startRedis({ own: true });
  await using replica = await startRedis({ own: true });
  await replica.command('REPLICAOF', primary.host, primary.port);
  await until('the replica follows', async () =>
    String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
  );
  // What a name in DNS, or a proxy, does: new connections lead to the server that is primary now.
  const target = { host: primary.host, port: primary.port };
  await using name = await startFaultyProxy({ target });
  await using store = new RedisTokenStore({ url: name.urlFor(primary.url) });
  await save(store, { ...user('ada'), refreshToken: 'r' });
  await until('the record was copied', async () => (await replica.command('DBSIZE')) === 2);
  await replica.command('REPLICAOF', 'NO', 'ONE');
  await primary.command('REPLICAOF', replica.host, replica.port);
  Object.assign(target, { host: replica.host, port: replica.port });
  expect(await failure(save(store, { ...user('ada'), accessToken: 'a' }))).toMatchObject({
    code: 'READ_ONLY',
    retryable: true,
  });
  expect(await save(store, { ...user('ada'), accessToken: 'a' })).toMatchObject({ version: 2 });
});

describe('a server that refuses is told by its code, without a secret', () => {
  let server: RedisServer;
  beforeAll(async () => {
    server = await startRedis({ ...DURABLE, password: 'right', maxmemoryPolicy: 'allkeys-lru' });
  }, 300_000);
  afterAll(() => server.stop());

  it.each<[string, string, (url: URL) => URL]>([
    ['a wrong password', 'ACCESS_DENIED', (url) => Object.assign(url, { password: 'SECRET' })],
    ['no password', 'ACCESS_DENIED', (url) => Object.assign(url, { password: '' })],
    [
      'a port where nothing listens',
      'CONNECTION_FAILED',
      (url) => Object.assign(url, { password: 'SECRET', port: '1' }),
    ],
  ])('%s', async (_case, code, broken) => {
    await using store = new RedisTokenStore({ url: broken(new URL(server.url)).href });
    const error = await failure(store.ready());
    expect(error).toMatchObject({ code, operation: 'ready' });
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain('SECRET');
  });

  it('a server that takes no writes', async () => {
    await using store = new RedisTokenStore({ url: server.url, prefix: 'replica:' });
    await save(store, { refreshToken: 'r' });
    await server.command('CONFIG', 'SET', 'min-replicas-to-write', '1');
    try {
      expect(await failure(save(store, { refreshToken: 'SECRET' }))).toMatchObject({
        code: 'READ_ONLY',
        driverCode: 'NOREPLICAS',
      });
      expect(await store.getTokens()).toHaveLength(1);
    } finally {
      await server.command('CONFIG', 'SET', 'min-replicas-to-write', '0');
    }
  });

  it('a server that may evict: a warning', async () => {
    const warnings: (string | undefined)[] = [];
    const listen = (warning: Error & { code?: string }) => warnings.push(warning.code);
    process.on('warning', listen);
    await using store = new RedisTokenStore({ url: server.url, prefix: 'evicted:' });
    await store.ready();
    await expect.poll(() => warnings).toContain('TOKENKEEP_EVICTION');
    process.off('warning', listen);
  });

  it('another kind of value under the key is left as it is', async () => {
    await server.command('SET', 'taken:oauthtoken', 'mine');
    await using store = new RedisTokenStore({ url: server.url, prefix: 'taken:' });
    expect(await failure(store.deleteTokens())).toMatchObject({ code: 'SCHEMA_UNKNOWN' });
    expect(await server.command('GET', 'taken:oauthtoken')).toBe('mine');
  });
});
