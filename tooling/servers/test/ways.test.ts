import { afterEach, expect, test, vi } from 'vitest';
import { startFirestore, startMariadb, startRedis, TestServerError } from '../src/index.ts';
import { firstThatWorks } from '../src/ways.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('a server named in the environment is used, and left alone', async () => {
  await using theirs = await startMariadb({ own: true });
  vi.stubEnv('MARIADB_URL', theirs.url);
  const server = await startMariadb();
  expect(server).toMatchObject({
    source: 'environment',
    url: theirs.url,
    version: theirs.version,
  });
  const refused = { code: 'SERVER_NOT_OURS', message: expect.stringContaining('MARIADB_URL') };
  await expect(server.kill()).rejects.toMatchObject(refused);
  await expect(server.restart()).rejects.toMatchObject(refused);
  await server.stop();
  expect((await theirs.createDatabase()).name).toMatch(/^tokenkeep_/);
});

test('a server in the environment must have the settings that a test asks for', async () => {
  await using theirs = await startRedis({ own: true, maxmemoryPolicy: 'allkeys-lru' });
  vi.stubEnv('REDIS_URL', theirs.url);
  const server = await startRedis({ maxmemoryPolicy: 'allkeys-lru' });
  expect(server.source).toBe('environment');
  const other = await startRedis({ maxmemoryPolicy: 'noeviction' });
  expect(other.source).not.toBe('environment');
  await other.stop();
});

test('a stopped server can not be restarted', async () => {
  const server = await startRedis({ own: true });
  await server.stop();
  await server.stop();
  await expect(server.restart()).rejects.toMatchObject({ code: 'SERVER_STOPPED' });
});

test('a server program that ends at once is told with the last lines it printed', async () => {
  await expect(startRedis({ own: true, args: ['--no-such-setting', '1'] })).rejects.toThrow(
    'no-such-setting',
  );
});

test('where nothing works, each way and what went wrong is told in a line', async () => {
  const error = await firstThatWorks('Thing', [
    { advice: 'set THING_URL', start: async () => undefined },
    {
      advice: 'start Docker',
      start: async () => {
        throw new Error('no image');
      },
    },
  ]).catch((error: unknown) => error);
  expect(error).toBeInstanceOf(TestServerError);
  expect(error).toMatchObject({
    code: 'SERVER_UNAVAILABLE',
    message:
      'No Thing to test on. Any one of these gives one:\n' +
      '- set THING_URL\n' +
      '- start Docker (tried: no image)',
  });
});

test('a Firestore emulator that is nowhere to be had is an error that tells the ways', async () => {
  vi.stubEnv('FIRESTORE_EMULATOR_JAR', '/nowhere/emulator.jar');
  vi.stubEnv('DOCKER_HOST', 'unix:///nowhere/docker.sock');
  await expect(startFirestore({ own: true })).rejects.toThrow(
    /FIRESTORE_EMULATOR_HOST=host:port\n.*google-cloud-cli-firestore-emulator/s,
  );
});
