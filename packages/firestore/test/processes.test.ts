import { KILLED_SAVES, killAtEveryStep, saveFromProcesses } from '@tokenkeep/load-checks';
import { describe, expect, it } from 'vitest';
import { FirestoreTokenStore } from '../src/index.ts';
import definition from './definition.ts';
import { sharedEmulator } from './server.ts';

// A tenth of what the other stores do: the emulator takes a commit at a time.
it('4 processes that save 100 users 10 times leave 100 records, each saved 10 times', async () => {
  const versions = await saveFromProcesses(definition, 100, 10);
  expect(versions).toEqual(Array.from({ length: 100 }, () => 10));
}, 180_000);

describe('a process that is killed between any two of its steps leaves the old or the new', () => {
  const program = new URL('processes/killed.ts', import.meta.url);
  it.each(KILLED_SAVES)(
    '%s',
    async (_case, save) => {
      const kills = await killAtEveryStep(program, save, async () => {
        const { hostAndPort: host } = await sharedEmulator();
        const collection = `killed${crypto.randomUUID()}`;
        const options = { projectId: 'tokenkeep-test', host, ssl: false };
        return {
          place: [host, collection],
          store: new FirestoreTokenStore({ options, collection }),
        };
      });
      // A query and a commit, and each is sent, and its answer comes.
      expect(kills).toBe(5);
    },
    60_000,
  );
});
