import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { CannotRun, type CheckOptions, type Progress } from './check-token-store.ts';
import { addressOf, type Capability, CLAUSES } from './clauses.ts';
import type { TokenStoreDefinition } from './definition.ts';
import { Report } from './report.ts';
import type { CheckResult } from './run-check.ts';
import type { Settings } from './settings.ts';

/** What a process has to know to check a store. */
export interface CheckingTask {
  /** The URL of the module with the store. */
  readonly module: string;
  /** The module as the command line names it. */
  readonly name: string;
  /** What the store declares, where its module does not say. */
  readonly declared: Readonly<Partial<Record<Capability, boolean>>>;
  readonly options: CheckOptions;
}

/** What a definition declares: enough to report on. */
type Declared = Pick<TokenStoreDefinition, 'name' | 'module' | Capability>;

/** What a process that checks a store tells. */
export type CheckingMessage =
  | { readonly alive: true }
  | { readonly started: { readonly definition: Declared; readonly settings: Settings } }
  | { readonly progress: Progress }
  | { readonly ended: Pick<Report, 'duration' | 'notRun'> }
  /** The store could not be checked at all. */
  | { readonly failed: string };

/** How much longer than a call may take the event loop may stand still: milliseconds. */
const GRACE = 5_000;
/** How long a module may take to load: milliseconds. */
const LOADING = 60_000;

/**
 * Checks a store in a process of its own, which is ended where it stands still: a loop that never
 * ends is a failure then, and not the end of the report.
 *
 * @throws CannotRun if the module does not load, or no place of it can be opened
 */
export async function checkInProcess(
  task: CheckingTask,
  onProgress: (progress: Progress) => void,
): Promise<Report> {
  const started = performance.now();
  const name = import.meta.url.endsWith('.ts') ? './checking-process.ts' : './checking-process.js';
  const child = fork(fileURLToPath(new URL(name, import.meta.url)), [JSON.stringify(task)], {
    // What a store prints does not belong into the report.
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  const results: CheckResult[] = [];
  let header: { readonly definition: Declared; readonly settings: Settings } | undefined;
  let current: Progress | undefined;
  const heard = (message: CheckingMessage): void => {
    if ('started' in message) header = message.started;
    if (!('progress' in message)) return;
    const { progress } = message;
    current = progress;
    if (progress.result !== undefined) results.push(progress.result);
    onProgress(progress);
  };
  const limit = (): number => (header === undefined ? LOADING : header.settings.callLimit + GRACE);
  const end = await endOf(child, heard, limit);
  child.kill('SIGKILL');
  if ('failed' in end) throw new CannotRun(end.failed);
  if (header === undefined) throw new CannotRun(`the module did not load: ${end.notRun}`);
  if (current !== undefined && current.result === undefined) {
    results.push(cutOff(current, header.settings, end.notRun));
  }
  const { definition, settings } = header;
  const duration = performance.now() - started;
  return new Report(definition, settings, results, duration, end.notRun);
}

/** Waits until a process has ended its work, has ended, or stands still. */
function endOf(
  child: ChildProcess,
  heard: (message: CheckingMessage) => void,
  limit: () => number,
): Promise<{ readonly notRun: string } | { readonly failed: string }> {
  const { promise, resolve } = Promise.withResolvers<
    { readonly notRun: string } | { readonly failed: string }
  >();
  let last = performance.now();
  const watch = setInterval(() => {
    if (performance.now() - last < limit()) return;
    resolve({ notRun: `the event loop stood still for ${Math.round(limit() / 1000)} s` });
  }, 250);
  child.on('message', (message: CheckingMessage) => {
    last = performance.now();
    heard(message);
    if ('ended' in message) resolve(message.ended);
    if ('failed' in message) resolve(message);
  });
  child.once('exit', (code, signal) => {
    resolve({ notRun: `the process ended with ${signal ?? `code ${code}`}` });
  });
  return promise.finally(() => clearInterval(watch));
}

/** The result of the check that was on when the process stood still, or ended. */
function cutOff({ check }: Progress, settings: Settings, what: string): CheckResult {
  const { clause, title } = check;
  return {
    clause,
    title,
    status: 'failed',
    failures: [
      {
        clause: 'C14',
        check: `${title} (seen in a check of ${clause})`,
        promise: CLAUSES.C14,
        address: addressOf('C14'),
        done: [],
        expected: 'the process to go on',
        actual: what,
        why: 'A program whose event loop stands still, or that is ended, answers nobody.',
        hint: 'Look for a loop whose condition never becomes false, for a synchronous call that waits, and for process.exit().',
        cause: what,
        seed: settings.seed,
        again: `${settings.command ?? 'npx @tokenkeep/conformance ./my-store.ts'} --clause ${clause} --seed ${settings.seed}`,
      },
    ],
    duration: 0,
  };
}
