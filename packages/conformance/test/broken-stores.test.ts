import { expect, it } from 'vitest';
import { checkTokenStore } from '../src/index.ts';
import { inMemory } from './broken/broken-store.ts';
import { caughtByItsClause } from './broken/caught.ts';
import { BROKEN_STORES } from './broken/index.ts';

it('there are sixty at least, each with a fault of its own', () => {
  expect(BROKEN_STORES.length).toBeGreaterThanOrEqual(60);
  expect(new Set(BROKEN_STORES.map(({ fault }) => fault)).size).toBe(BROKEN_STORES.length);
});

it('a method that is put in as it was is no fault: what is found is what was put in', async () => {
  const definition = inMemory('no fault', {
    methods: (store) => ({
      findTokenById: (id: string) => store.findTokenById(id),
      saveToken: (...args: Parameters<typeof store.saveToken>) => store.saveToken(...args),
    }),
  });
  const report = await checkTokenStore(definition);
  expect(report.failures).toEqual([]);
}, 120_000);

it.each(BROKEN_STORES.map((store) => ({ ...store, store })))(
  '$clause finds a store that $fault',
  async ({ store }) => {
    const { failures, outOfTime } = await caughtByItsClause(store);
    expect(failures).not.toHaveLength(0);
    expect(outOfTime.length > 0).toBe(store.hangs !== undefined);
    for (const { expected, actual, why, hint } of failures) {
      for (const part of [expected, actual, why, hint]) expect(part).not.toBe('');
    }
  },
  120_000,
);
