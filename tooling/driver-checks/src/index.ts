import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'vitest';

/** A store, and what it needs to be opened. */
export interface DrivenStore {
  /** The address of its module: `import.meta.resolve('@tokenkeep/...')`. */
  readonly module: string;
  /** The name of its class. */
  readonly store: string;
  readonly options?: object;
  /** The driver that it can't be opened without. */
  readonly driver: string;
}

/**
 * Without its driver, `ready()` says so and what to do, and so does every other call. It runs in a
 * process of its own, whose modules are hooked: the test's has the driver loaded.
 */
export async function expectDriverUnavailable({
  module,
  store,
  options = {},
  driver,
}: DrivenStore): Promise<void> {
  // A bundle without the driver, or an installation without a build for this platform.
  const withoutDriver = `
    import { registerHooks } from 'node:module';
    registerHooks({
      resolve(name, context, next) {
        if (name !== '${driver}') return next(name, context);
        throw Object.assign(new Error('Cannot find ' + name), { code: 'ERR_MODULE_NOT_FOUND' });
      },
    });`;
  const program = `
    import { ${store} } from '${module}';
    const store = new ${store}(${JSON.stringify(options)});
    for (const method of ['ready', 'getTokens']) {
      await store[method]().catch(({ code, operation, driverCode, message }) => {
        console.log(JSON.stringify({ code, operation, driverCode, message }));
      });
    }`;

  const { stdout } = await promisify(execFile)(process.execPath, [
    '--conditions=@tokenkeep/source',
    '--import',
    `data:text/javascript,${encodeURIComponent(withoutDriver)}`,
    '--input-type=module',
    '--eval',
    program,
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
      message: expect.stringMatching(new RegExp(`"${driver}".*external.*serverExternalPackages`)),
    })),
  );
}
