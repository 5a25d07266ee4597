import { join } from 'node:path';
import { expectDriverUnavailable } from '@tokenkeep/driver-checks';
import { freshFolder } from '@tokenkeep/path-checks';
import { test } from 'vitest';

test('a driver that can not be loaded is found by ready(), with what to do', async () => {
  await expectDriverUnavailable({
    module: import.meta.resolve('@tokenkeep/sqlite'),
    store: 'SqliteTokenStore',
    options: { path: join(freshFolder(), 'tokens') },
    driver: 'better-sqlite3',
  });
});
