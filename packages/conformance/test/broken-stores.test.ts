import { expect, it } from 'vitest';
import { checkTokenStore } from '../src/index.ts';
import { BROKEN_STORES } from './broken/index.ts';

it('there are sixty at least, each with a fault of its own', () => {
  expect(BROKEN_STORES.length).toBeGreaterThanOrEqual(60);
  expect(new Set(BROKEN_STORES.map(({ fault }) => fault)).size).toBe(BROKEN_STORES.length);
});

it.each(BROKEN_STORES.map(({ fault, clause, definition }) => ({ fault, clause, definition })))(
  '$clause finds a store that $fault',
  async ({ clause, definition }) => {
    const report = await checkTokenStore(definition, { clauses: [clause], timeout: 4_000 });
    const failures = report.failures.filter((failure) => failure.clause === clause);
    expect(failures).not.toHaveLength(0);
    for (const { expected, actual, why, hint } of failures) {
      for (const part of [expected, actual, why, hint]) expect(part).not.toBe('');
    }
  },
  120_000,
);
