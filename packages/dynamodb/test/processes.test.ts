import { KILLED_SAVES, killAtEveryStep, saveFromProcesses } from '@tokenkeep/load-checks';
import { describe, expect, it } from 'vitest';
import definition from './definition.ts';
import { Tables } from './tables.ts';

// A tenth of what the other stores do, and a quarter of it at once: the local engine takes a transaction
// at a time, and on a busy machine a save that lost some races would wait for longer than it is tried.
it('4 processes that save 100 users 10 times leave 100 records, each saved 10 times', async () => {
  const versions = await saveFromProcesses(definition, 100, 10, 16);
  expect(versions).toEqual(Array.from({ length: 100 }, () => 10));
}, 180_000);

describe('a process that is killed between any two of its steps leaves the old or the new', () => {
  const tables = Tables.forThisFile();
  const program = new URL('processes/killed.ts', import.meta.url);
  it.each(KILLED_SAVES)(
    '%s',
    async (title, save) => {
      const kills = await killAtEveryStep(program, save, async () => {
        const table = await tables.create();
        return { place: [tables.server.url, table], store: tables.open(table) };
      });
      console.log(`${title}: killed ${kills} times`);
      // Each request is sent, and its answer comes: a read or two, and a transaction.
      expect(kills).toBeGreaterThanOrEqual(7);
    },
    120_000,
  );
});
