import { expect, it } from 'vitest';
import type { Check } from '../../src/check.ts';
import { runCheck } from '../../src/run-check.ts';
import { settingsOf } from '../../src/settings.ts';
import type { BrokenStore } from './broken-store.ts';
import { caughtByItsClause } from './caught.ts';
import { BROKEN_STORES } from './index.ts';

/** Checks that may find none of them, and why. */
export const UNPROVED: readonly string[] = [
  // What these say is kept by the token class of core, which stores give out.
  'T3 a field that is null, undefined or "" is absent: it erases nothing and finds nothing',
  'T3 fields that were never given are undefined in what comes back',
  // The store that keeps a process alive is found by the process that does not end.
  'C17 nothing of the store keeps the process alive after close',
  // By the luck of processes: the same fault is found by other checks of S1, and in one process.
  'S1 A5 across processes: deleteTokens beside saves leaves each record whole or gone',
];

/** How {@link UNPROVED} names a check. */
export const nameOf = ({ clause, title }: Pick<Check, 'clause' | 'title'>): string =>
  `${clause} ${title}`;

/** That the kit finds each of these stores at its clause, and that each of these checks finds one. */
export function testBrokenStores(stores: readonly BrokenStore[], checks: readonly Check[]): void {
  /** The titles of the checks that found a fault. */
  const proved = new Set<string>();

  it.each(stores.map((store) => ({ ...store, store })))(
    '$clause finds a store that $fault',
    async ({ store }) => {
      const { failures, outOfTime } = await caughtByItsClause(store);
      expect(failures).not.toHaveLength(0);
      expect(outOfTime.length > 0).toBe(store.hangs !== undefined);
      for (const { check, expected, actual, why, hint } of failures) {
        // A failure that shows in the checks of other promises says so.
        proved.add(check.replace(/ \(seen in .*\)$/, ''));
        for (const part of [expected, actual, why, hint]) expect(part).not.toBe('');
      }
    },
    120_000,
  );

  it('every check finds a fault of one of them', async () => {
    const idle: string[] = [];
    for (const check of checks) {
      if (proved.has(check.title) || UNPROVED.includes(nameOf(check))) continue;
      if (!(await findsOne(check))) idle.push(nameOf(check));
    }
    expect(idle).toEqual([]);
  }, 120_000);
}

/** Whether a check finds one of the stores that break its clause, with all its rounds. */
async function findsOne(check: Check): Promise<boolean> {
  const settings = settingsOf({ intensity: 'standard' }, { factor: 1 });
  for (const { clause, definition } of BROKEN_STORES) {
    if (clause !== check.clause) continue;
    const { failures } = await runCheck(check, definition, settings);
    if (failures.some((failure) => failure.clause === clause)) return true;
  }
  return false;
}
