import { randomBytes } from 'node:crypto';
import { KILLED_SAVES, killAtEveryStep, saveFromProcesses } from '@tokenkeep/load-checks';
import { type PostgresServer, startPostgres } from '@tokenkeep/test-servers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PostgresTokenStore } from '../src/index.ts';
import { pgbouncer, postgres } from './definition.ts';

it.each([
  [postgres.name, postgres, 10],
  [pgbouncer.name, pgbouncer, 5],
] as const)(
  '%s: 4 processes that save 300 users over and over leave 300 records, and no save is lost',
  async (_name, definition, times) => {
    const versions = await saveFromProcesses(definition, 300, times);
    expect(versions).toEqual(Array.from({ length: 300 }, () => times));
  },
  300_000,
);

describe('a process that is killed between any two of its steps leaves the old or the new', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ own: true });
  }, 180_000);
  afterAll(() => server.stop());

  const program = new URL('processes/killed.ts', import.meta.url);
  it.each(KILLED_SAVES)(
    '%s',
    async (title, save) => {
      const { url } = await server.createDatabase();
      const kills = await killAtEveryStep(program, save, async () => {
        const schema = `s${randomBytes(6).toString('hex')}`;
        return { place: [url, schema], store: new PostgresTokenStore({ url, schema }) };
      });
      console.log(`${title}: killed ${kills} times`);
      // A read and a write; more where a key is shared or two rows become one.
      const isUsual = /adds a record|updates one/.test(title);
      expect(kills).toBeGreaterThanOrEqual(isUsual ? 5 : 12);
    },
    240_000,
  );
});
