import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { describeServer, startRedis } from '../src/index.ts';

test('Redis with a log flushed at each write keeps it through SIGKILL', async () => {
  await using server = await startRedis({
    own: true,
    appendonly: true,
    appendfsync: 'always',
  });
  console.log(describeServer(server));
  expect(server.name).toBe('Redis');

  const before = new Redis(server.url, { retryStrategy: () => null });
  before.on('error', () => {});
  expect(await before.set('kept', '7')).toBe('OK');
  await server.kill();
  await expect(server.command('PING')).rejects.toThrow();
  await server.restart();

  const after = new Redis(server.url);
  expect(await after.get('kept')).toBe('7');
  after.disconnect();
  before.disconnect();
});

test('Redis takes its settings from the options', async () => {
  await using server = await startRedis({
    own: true,
    maxmemory: '10mb',
    maxmemoryPolicy: 'allkeys-lru',
    password: 'of a test',
  });
  expect(await server.command('CONFIG', 'GET', 'maxmemory-policy')).toEqual([
    'maxmemory-policy',
    'allkeys-lru',
  ]);
  const stranger = new Redis(server.port, server.host, { lazyConnect: true });
  stranger.on('error', () => {});
  await expect(stranger.get('anything')).rejects.toThrow('NOAUTH');
  stranger.disconnect();
});
