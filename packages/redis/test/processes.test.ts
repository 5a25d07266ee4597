import { saveFromProcesses } from '@tokenkeep/load-checks';
import { expect, it } from 'vitest';
import { cluster, single } from './definition.ts';

it.each([single, cluster])(
  '4 processes that save 300 users 25 times leave 300 records, each saved 25 times: $name',
  async (definition) => {
    const versions = await saveFromProcesses(definition, 300, 25);
    expect(versions).toEqual(Array.from({ length: 300 }, () => 25));
  },
  180_000,
);
