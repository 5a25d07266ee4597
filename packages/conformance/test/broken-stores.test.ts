import { expect, it } from 'vitest';
import { CHECKS } from '../src/checks/index.ts';
import { checkTokenStore } from '../src/index.ts';
import { inMemory } from './broken/broken-store.ts';
import { BROKEN_STORES } from './broken/index.ts';
import { nameOf, testBrokenStores, UNPROVED } from './broken/test-broken-stores.ts';

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
  const report = await checkTokenStore(definition, { intensity: 'quick' });
  expect(report.failures).toEqual([]);
});

it('the checks that need find no fault are checks', () => {
  expect(CHECKS.map(nameOf)).toEqual(expect.arrayContaining([...UNPROVED]));
});

// Those in files are in a file of their own: they wait for processes, which another can use.
testBrokenStores(
  BROKEN_STORES.filter(({ definition }) => !definition.durable),
  CHECKS.filter(({ title, clause }) => !/^[DS]/.test(clause) && !title.includes('process')),
);
