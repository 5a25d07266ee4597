import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { describeServer, startRedisSentinel, until } from '../src/index.ts';

test('the replica takes over from a killed master, and the old master follows it', async () => {
  await using redis = await startRedisSentinel({ password: 'of a test' });
  console.log(describeServer(redis));
  const client = new Redis({
    sentinels: redis.sentinels,
    name: redis.masterName,
    password: 'of a test',
    sentinelRetryStrategy: () => 50,
    maxRetriesPerRequest: null,
  });
  client.on('error', () => {});
  await client.set('kept', '7');
  expect(await client.wait(1, 5_000)).toBe(1);

  const killed = await redis.failOver();
  expect(await client.get('kept')).toBe('7');
  await client.set('kept', '8');

  await killed.restart();
  await until('the old master is a replica of the new one', async () => {
    const replication = String(await killed.command('INFO', 'replication'));
    return replication.includes('role:slave') && (await killed.command('GET', 'kept')) === '8';
  });
  client.disconnect();
});
