import {
  checkTokenStore,
  type Failure,
  type Intensity,
  type SettingsOptions,
} from '../../src/index.ts';
import type { BrokenStore } from './broken-store.ts';

/** What the clause that has to find the fault of a store has found. */
export interface Caught {
  /** Failures that show the fault. */
  readonly failures: readonly Failure[];
  /** Failures that show only that time ran out: on a busy machine that says nothing of a fault. */
  readonly outOfTime: readonly Failure[];
  /** At which intensity they were found, or the last that was tried. */
  readonly intensity: Intensity;
}

/**
 * Runs the checks of the clause that has to find the fault of a store: quickly, and with all rounds
 * where that does not find it.
 */
export async function caughtByItsClause(
  store: BrokenStore,
  settings: SettingsOptions = {},
): Promise<Caught> {
  const quick = await caughtAt(store, 'quick', settings);
  return quick.failures.length > 0 ? quick : caughtAt(store, 'standard', settings);
}

async function caughtAt(
  store: BrokenStore,
  intensity: Intensity,
  settings: SettingsOptions,
): Promise<Caught> {
  const { clause, definition } = store;
  const options = { ...settings, clauses: [clause], intensity, ...limitOf(store) };
  return {
    ...sortedOut(store, (await checkTokenStore(definition, options)).failures, clause),
    intensity,
  };
}

/** The clauses of which the whole kit finds that a store breaks them. */
export async function caughtByClauses(
  store: BrokenStore,
  options: SettingsOptions,
): Promise<string[]> {
  const { failures } = await checkTokenStore(store.definition, {
    ...options,
    ...limitOf(store),
  });
  const found = sortedOut(store, failures).failures;
  return [...new Set(found.map(({ clause }) => clause))];
}

function sortedOut({ hangs }: BrokenStore, failures: readonly Failure[], clause?: string) {
  const own = failures.filter((failure) => clause === undefined || failure.clause === clause);
  const outOfTime = own.filter(isOutOfTime);
  return {
    failures: hangs !== undefined ? own : own.filter((failure) => !isOutOfTime(failure)),
    outOfTime,
  };
}

function limitOf({ hangs, limit = hangs }: BrokenStore): SettingsOptions {
  return limit === undefined ? {} : { timeout: limit };
}

function isOutOfTime({ expected }: Failure): boolean {
  return expected.endsWith(' to settle') || expected === 'the check to come to an end';
}
