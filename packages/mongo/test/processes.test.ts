import {
  describeSurvivors,
  KILLED_SAVES,
  killAtEveryStep,
  saveDuring,
  saveFromProcesses,
} from '@tokenkeep/load-checks';
import { type MongoServer, startMongo } from '@tokenkeep/test-servers';
import { MongoClient } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MongoTokenStore } from '../src/index.ts';
import definition from './definition.ts';

it('4 processes that save 200 users 20 times leave 200 records, each saved 20 times', async () => {
  const versions = await saveFromProcesses(definition, 200, 20);
  expect(versions).toEqual(Array.from({ length: 200 }, () => 20));
}, 300_000);

describe('on a server of its own', () => {
  let server: MongoServer;
  let databases = 0;
  const newDatabase = () => `tokenkeep_processes_${process.pid}_${++databases}`;
  beforeAll(async () => {
    server = await startMongo({ own: true });
  }, 180_000);
  afterAll(() => server.stop());

  describe('a process that is killed between any two of its steps leaves the old or the new', () => {
    const program = new URL('processes/killed.ts', import.meta.url);
    it.each(KILLED_SAVES)(
      '%s',
      async (title, save) => {
        const kills = await killAtEveryStep(program, save, async () => {
          const database = newDatabase();
          const store = new MongoTokenStore({ url: server.url, database });
          return { place: [server.url, database], store };
        });
        // A read and a write; more where a key is shared or two records become one.
        const isUsual = /adds a record|updates one/.test(title);
        expect(kills).toBeGreaterThanOrEqual(isUsual ? 3 : 7);
      },
      120_000,
    );
  });

  it('that is killed and started again under load nothing acknowledged is lost or doubled', async () => {
    await using client = new MongoClient(server.url);
    await using store = new MongoTokenStore({ url: server.url, database: newDatabase() });
    for (let kills = 0; kills < 2; kills += 1) {
      const survivors = await saveDuring(store, async (onlyUntilNow) => {
        // The engine out of npm, killed on a busy machine, loses journaled writes of the last moment,
        // of the bare driver too (see tooling/servers): what it was told to flush, it keeps.
        onlyUntilNow();
        await client.db('admin').command({ fsync: 1 });
        await server.kill();
        await server.restart();
      });
      console.log(describeSurvivors(survivors));
      expect(survivors).toMatchObject({ lost: 0, doubled: 0 });
    }
  }, 200_000);
});
