import { saveFromProcesses } from '@tokenkeep/load-checks';
import { expect, it } from 'vitest';
import definition from './definition.ts';

// A tenth of what the other stores do: the emulator takes a commit at a time.
it('4 processes that save 100 users 10 times leave 100 records, each saved 10 times', async () => {
  const versions = await saveFromProcesses(definition, 100, 10);
  expect(versions).toEqual(Array.from({ length: 100 }, () => 10));
}, 180_000);
