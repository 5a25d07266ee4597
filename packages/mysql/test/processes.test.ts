import { KILLED_SAVES, killAtEveryStep, saveFromProcesses } from '@tokenkeep/load-checks';
import { type SqlServer, startMariadb } from '@tokenkeep/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MysqlTokenStore } from '../src/index.ts';
import { mariadb, mysql } from './definition.ts';

// MySQL writes its log twice a commit: fewer rounds, so that it takes no longer than MariaDB.
it.each([
  [mariadb.name, mariadb, 10],
  [mysql.name, mysql, 5],
] as const)(
  '%s: 4 processes that save 300 users over and over leave 300 records, and no save is lost',
  async (_name, definition, times) => {
    const versions = await saveFromProcesses(definition, 300, times);
    expect(versions).toEqual(Array.from({ length: 300 }, () => times));
  },
  180_000,
);

describe('a process that is killed between any two of its steps leaves the old or the new', () => {
  let server: SqlServer;
  beforeAll(async () => {
    server = await startMariadb({ own: true });
  }, 180_000);
  afterAll(() => server.stop());

  const program = new URL('processes/killed.ts', import.meta.url);
  it.each(KILLED_SAVES)(
    '%s',
    async (title, save) => {
      const kills = await killAtEveryStep(program, save, async () => {
        const { url } = await server.createDatabase();
        return { place: [url], store: new MysqlTokenStore({ url }) };
      });
      // A read and a write; more where a key is shared or two rows become one.
      const isUsual = /adds a record|updates one/.test(title);
      expect(kills).toBeGreaterThanOrEqual(isUsual ? 5 : 12);
    },
    120_000,
  );
});
