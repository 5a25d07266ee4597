import { expectDriverUnavailable } from '@tokenkeep/driver-checks';
import { test } from 'vitest';

test('a driver that can not be loaded is found by ready(), with what to do', async () => {
  await expectDriverUnavailable({
    module: import.meta.resolve('@tokenkeep/redis'),
    store: 'RedisTokenStore',
    driver: 'ioredis',
  });
});
