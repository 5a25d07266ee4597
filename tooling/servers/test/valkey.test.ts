import { Redis } from 'ioredis';
import { expect, test } from 'vitest';
import { describeServer, startValkey } from '../src/index.ts';

test('Valkey with a log flushed at each write keeps it through SIGKILL', async () => {
  await using server = await startValkey({ own: true, appendonly: true, appendfsync: 'always' });
  console.log(describeServer(server));
  expect(server.name).toBe('Valkey');

  const before = new Redis(server.url, { retryStrategy: () => null });
  before.on('error', () => {});
  expect(await before.set('kept', '7')).toBe('OK');
  await server.kill();
  await server.restart();

  const after = new Redis(server.url);
  expect(await after.get('kept')).toBe('7');
  after.disconnect();
});
