import { TokenStoreError } from '@tokenkeep/core';
import { loadDriver } from '@tokenkeep/core/adapter';
import { expect, test, vi } from 'vitest';

const notFound = Object.assign(new Error("Cannot find package 'a-driver' imported from /x"), {
  code: 'ERR_MODULE_NOT_FOUND',
});

test('gives what is loaded', async () => {
  expect(await loadDriver('a-driver', async () => 'driver')).toBe('driver');
});

test.each<[string, unknown, string | undefined]>([
  ['is not there', notFound, 'ERR_MODULE_NOT_FOUND'],
  ['was built for another platform', new Error('No native build was found'), undefined],
  ['throws something else', 'text', undefined],
])('a driver that %s is told with DRIVER_UNAVAILABLE', async (_case, error, driverCode) => {
  const failure = await loadDriver('a-driver', () => Promise.reject(error)).catch((e) => e);
  expect(failure).toBeInstanceOf(TokenStoreError);
  expect(failure).toMatchObject({
    code: 'DRIVER_UNAVAILABLE',
    driverCode,
    retryable: false,
    message: expect.stringMatching(/"a-driver".*external.*serverExternalPackages/),
  });
  expect(failure.message).not.toContain('/x');
});

test('a fault that the store knows is told as it is', async () => {
  const known = new TokenStoreError('STORAGE_FULL', 'It is full.');
  await expect(loadDriver('a-driver', () => Promise.reject(known))).rejects.toBe(known);
});

test.each(['20.20.0', '22.17.9', '18.0.0'])(
  'on Node %s, where a native driver ends the process, none is loaded',
  async (version) => {
    const load = vi.fn(async () => 'driver');
    await expect(loadDriver('a-driver', load, version)).rejects.toMatchObject({
      code: 'DRIVER_UNAVAILABLE',
      message: expect.stringContaining(`this is ${version}`),
    });
    expect(load).not.toHaveBeenCalled();
  },
);

test.each(['22.18.0', '24.0.0', '26.1.0'])('on Node %s it is', async (version) => {
  expect(await loadDriver('a-driver', async () => 'driver', version)).toBe('driver');
});
