import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

/** A bundle without the driver, or an installation without a build for this platform. */
const WITHOUT_DRIVER = `
  import { registerHooks } from 'node:module';
  registerHooks({
    resolve(name, context, next) {
      if (name !== 'ioredis') return next(name, context);
      throw Object.assign(new Error('Cannot find ' + name), { code: 'ERR_MODULE_NOT_FOUND' });
    },
  });`;

const PROGRAM = `
  import { RedisTokenStore } from '${import.meta.resolve('@tokenkeep/redis')}';
  const store = new RedisTokenStore();
  for (const method of ['ready', 'getTokens']) {
    await store[method]().catch(({ code, operation, driverCode, message }) => {
      console.log(JSON.stringify({ code, operation, driverCode, message }));
    });
  }`;

test('a driver that can not be loaded is found by ready(), with what to do', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@tokenkeep/source',
    '--import',
    `data:text/javascript,${encodeURIComponent(WITHOUT_DRIVER)}`,
    '--input-type=module',
    '--eval',
    PROGRAM,
  ]);
  const failures = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(failures).toEqual(
    ['ready', 'getTokens'].map((operation) => ({
      code: 'DRIVER_UNAVAILABLE',
      operation,
      driverCode: 'ERR_MODULE_NOT_FOUND',
      message: expect.stringMatching(/"ioredis".*external.*serverExternalPackages/),
    })),
  );
});
