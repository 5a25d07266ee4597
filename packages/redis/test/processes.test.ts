import { saveFromProcesses } from '@tokenkeep/load-checks';
import { expect, it } from 'vitest';
import { cluster, single } from './definition.ts';

it.each([single, cluster])(
  '4 processes that save 1,000 users 25 times leave 1,000 records, each saved 25 times: $name',
  async (definition) => {
    const versions = await saveFromProcesses(definition, 1_000, 25);
    expect(versions).toEqual(Array.from({ length: 1_000 }, () => 25));
  },
  180_000,
);
