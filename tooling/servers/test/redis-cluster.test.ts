import { Cluster } from 'ioredis';
import { expect, test } from 'vitest';
import { describeServer, startRedisCluster } from '../src/index.ts';

test('a cluster serves keys from all its nodes, and again after all were killed', async () => {
  await using cluster = await startRedisCluster({
    own: true,
    appendonly: true,
    appendfsync: 'always',
  });
  console.log(describeServer(cluster));
  const keys = Array.from({ length: 100 }, (_, index) => `key ${index}`);

  const before = new Cluster(cluster.urls);
  before.on('error', () => {});
  for (const key of keys) await before.set(key, key);
  const sizes = await Promise.all(cluster.nodes.map((node) => node.command('DBSIZE')));
  expect(sizes.every((size) => Number(size) > 0)).toBe(true);
  expect(sizes.map(Number).reduce((sum, size) => sum + size)).toBe(keys.length);
  await expect(before.mget('a', 'b')).rejects.toThrow('CROSSSLOT');
  before.disconnect();

  await cluster.kill();
  await cluster.restart();

  const after = new Cluster(cluster.urls);
  expect(await Promise.all(keys.map((key) => after.get(key)))).toEqual(keys);
  after.disconnect();
});
