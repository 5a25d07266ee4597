import { OAuthToken, type TokenInit } from '@tokenkeep/core';
import { describeSurvivors, RACING_SAVES, race, saveDuring } from '@tokenkeep/load-checks';
import {
  describeServer,
  type RedisServer,
  startRedis,
  startRedisCluster,
  startRedisSentinel,
} from '@tokenkeep/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RedisTokenStore } from '../src/index.ts';

const save = (store: RedisTokenStore, init: TokenInit) => store.saveToken(new OAuthToken(init));
const user = (name: string) => ({ userSignature: { name } });

/** Acknowledged is on the disk. */
const DURABLE = { appendonly: true, appendfsync: 'always' } as const;

let server: RedisServer;
let prefixes = 0;
beforeAll(async () => {
  server = await startRedis({ ...DURABLE, own: true });
  console.log(describeServer(server));
}, 300_000);
afterAll(() => server.stop());
const newPrefix = () => `test${++prefixes}:`;

describe('racing saves that share a key leave one record', () => {
  it.each(RACING_SAVES)('%s', async (_case, pair) => {
    const prefix = newPrefix();
    await using one = new RedisTokenStore({ url: server.url, prefix });
    await using two = new RedisTokenStore({ url: server.url, prefix });
    expect(await race([one, two], pair, 25)).toEqual(Array.from({ length: 25 }, () => 0));
  });
});

it('killed and started again under load, loses and doubles nothing that was acknowledged', async () => {
  await using store = new RedisTokenStore({ url: server.url, prefix: newPrefix() });
  const survivors = await saveDuring(store, async () => {
    await server.kill();
    await server.restart();
  });
  console.log(describeSurvivors(survivors));
  expect(survivors).toMatchObject({ lost: 0, doubled: 0 });
});

it('a cluster killed and started again under load loses and doubles nothing that was acknowledged', async () => {
  await using nodes = await startRedisCluster({ ...DURABLE, own: true });
  await using store = new RedisTokenStore({ nodes: nodes.urls, prefix: newPrefix() });
  const survivors = await saveDuring(store, async () => {
    await nodes.kill();
    await nodes.restart();
  });
  console.log(`${describeServer(nodes)}: ${describeSurvivors(survivors)}`);
  expect(survivors).toMatchObject({ lost: 0, doubled: 0 });
});

/** How far the stream of writes has come, in bytes: what the master has done, and its replica. */
async function replication(master: RedisServer): Promise<{ done: number; copied: number }> {
  const report = String(await master.command('INFO', 'replication'));
  const offset = (pattern: RegExp) => Number(pattern.exec(report)?.[1] ?? -1);
  return { done: offset(/master_repl_offset:(\d+)/), copied: offset(/slave0:.*offset=(\d+)/) };
}

it('saves again after a failover by Sentinel, with no record doubled and none lost that was copied', async () => {
  await using sentinel = await startRedisSentinel({ ...DURABLE, own: true });
  await using store = new RedisTokenStore({
    options: { sentinels: [...sentinel.sentinels], name: sentinel.masterName },
    prefix: newPrefix(),
  });
  const early = Array.from({ length: 50 }, (_, n) => `early ${n}`);
  for (const name of early) await save(store, { ...user(name), refreshToken: name });
  const master = await sentinel.master();
  const { done } = await replication(master);
  await expect
    .poll(async () => (await replication(master)).copied, { timeout: 30_000 })
    .toBeGreaterThanOrEqual(done);
  const survivors = await saveDuring(store, async () => {
    await sentinel.failOver();
  });
  // Replication does not wait for the replica: what was acknowledged just before may be lost.
  console.log(`${describeServer(sentinel)}: ${describeSurvivors(survivors)}`);
  expect(survivors.doubled).toBe(0);
  const names = (await store.getTokens()).map((token) => token.userSignature?.name);
  expect(names.slice(0, 50)).toEqual(early);
}, 120_000);

it('deleteTokens leaves another prefix as it is', async () => {
  await using store = new RedisTokenStore({ url: server.url, prefix: 'a:' });
  await using neighbour = new RedisTokenStore({ url: server.url, prefix: 'a:b:' });
  await save(store, { refreshToken: 'r' });
  await save(neighbour, { refreshToken: 'r' });
  await store.deleteTokens();
  expect(await store.getTokens()).toEqual([]);
  expect(await neighbour.getTokens()).toHaveLength(1);
});

it('a connection to another machine without TLS is refused', () => {
  expect(() => new RedisTokenStore({ url: 'redis://db.example:6379', prefix: 'a:' })).toThrow(
    expect.objectContaining({ code: 'TLS_REQUIRED' }),
  );
});
