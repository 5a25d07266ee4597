import { KILLED_SAVES, killAtEveryStep, saveFromProcesses } from '@tokenkeep/load-checks';
import { describe, expect, it } from 'vitest';
import { AwsSecretsManagerTokenStore } from '../src/index.ts';
import { configFor } from './config-for.ts';
import definition from './definition.ts';
import { sharedMoto } from './server.ts';

// Few: each save writes all records, and moto does one request at a time.
it('4 processes that save 6 users 10 times leave 6 records, each saved 10 times', async () => {
  const versions = await saveFromProcesses(definition, 6, 10);
  expect(versions).toEqual(Array.from({ length: 6 }, () => 10));
}, 180_000);

describe('a process that is killed between any two of its steps leaves the old or the new', () => {
  const program = new URL('processes/killed.ts', import.meta.url);
  it.each(KILLED_SAVES)(
    '%s',
    async (title, save) => {
      const { url } = await sharedMoto();
      const kills = await killAtEveryStep(program, save, async () => {
        const secret = `test/${crypto.randomUUID()}`;
        const options = configFor(url);
        return {
          place: [url, secret],
          store: new AwsSecretsManagerTokenStore({ secret, options }),
        };
      });
      console.log(`${title}: killed ${kills} times`);
      // Each request is sent, and its answer comes: a read, a new version, and its label.
      expect(kills).toBeGreaterThanOrEqual(7);
    },
    120_000,
  );
});
