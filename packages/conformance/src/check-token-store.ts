import type { Check } from './check.ts';
import type { TokenStoreDefinition } from './definition.ts';
import { Report } from './report.ts';
import { type CheckResult, runCheck } from './run-check.ts';
import { type Settings, type SettingsOptions, settingsOf } from './settings.ts';
import { SMOKE } from './smoke.ts';
import { spareProcesses } from './spare-processes.ts';
import { tryOut } from './try-out.ts';

export { CannotRun } from './try-out.ts';

/** What {@link checkTokenStore} can be told. */
export interface CheckOptions extends SettingsOptions {
  /**
   * Only these clauses, or groups by their letter, such as `['A', 'C5']`.
   *
   * @default all
   */
  clauses?: readonly string[];
  /**
   * Stop at the first failure.
   *
   * @default false
   */
  bail?: boolean;
  /** Told by what the run goes, before its first check. */
  onStart?: (settings: Settings) => void;
  /** Told before each check, and after it with its result. */
  onProgress?: (progress: Progress) => void;
}

/** How far a run has come. */
export interface Progress {
  readonly check: Pick<Check, 'clause' | 'title'>;
  /** How many checks have ended. */
  readonly ended: number;
  readonly total: number;
  /** The result of this check, once it has ended. */
  readonly result?: CheckResult;
}

/** How many checks may find a call that does not settle before the rest is left. */
const MOST_HANGS = 5;

/**
 * Checks a store against the contract.
 *
 * @throws CannotRun if no place of it can be opened
 * @example
 * const report = await checkTokenStore(definition);
 * if (!report.passed) console.log(prettyReport(report));
 */
export async function checkTokenStore(
  definition: TokenStoreDefinition,
  options: CheckOptions = {},
): Promise<Report> {
  const started = performance.now();
  const settings = settingsOf(options, await tryOut(definition));
  options.onStart?.(settings);
  // The module of a definition imports this one in each process that the kit starts, and none of
  // those needs the checks.
  const { checksFor } = await import('./checks-for.ts');
  const asked = checksFor(definition, options.clauses);
  // Where the simplest does not work, all the others fail because of that.
  const checks = options.clauses === undefined ? [SMOKE, ...asked] : asked;
  const results: CheckResult[] = [];
  let hangs = 0;
  let notRun = 'it was not asked for';
  try {
    for (const check of checks) {
      const progress = { check, ended: results.length, total: checks.length };
      options.onProgress?.(progress);
      const result = await runCheck(check, definition, settings);
      results.push(result);
      options.onProgress?.({ ...progress, ended: results.length, result });
      if (result.status !== 'failed') continue;
      if (check === SMOKE) {
        notRun = 'the simplest calls fail: nothing else was tried';
        break;
      }
      if (options.bail) {
        notRun = 'the run was stopped at the first failure';
        break;
      }
      if (result.failures.some(({ expected }) => expected.endsWith('to settle'))) hangs += 1;
      if (hangs >= MOST_HANGS) {
        notRun = 'calls of the store do not settle: the run was given up';
        break;
      }
    }
  } finally {
    await spareProcesses.end();
  }
  return new Report(definition, settings, results, performance.now() - started, notRun);
}
