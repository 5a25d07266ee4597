import { saveFromProcesses } from '@tokenkeep/load-checks';
import { expect, it } from 'vitest';
import { mariadb, mysql } from './definition.ts';

// MySQL writes its log twice a commit: fewer rounds, so that it takes no longer than MariaDB.
it.each([
  [mariadb.name, mariadb, 25],
  [mysql.name, mysql, 5],
] as const)(
  '%s: 4 processes that save 1,000 users over and over leave 1,000 records, and no save is lost',
  async (_name, definition, times) => {
    const versions = await saveFromProcesses(definition, 1_000, times);
    expect(versions).toEqual(Array.from({ length: 1_000 }, () => times));
  },
  180_000,
);
