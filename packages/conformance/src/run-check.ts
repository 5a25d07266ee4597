import { relative } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Check } from './check.ts';
import { CheckContext, withCalls } from './check-context.ts';
import { addressOf, CLAUSES, type ClauseId } from './clauses.ts';
import type { TokenStoreDefinition } from './definition.ts';
import { unexpected, withoutValues } from './failure-cause.ts';
import { Overheard } from './overheard.ts';
import { PromiseBroken, SLOW, Untested } from './promise-broken.ts';
import { seedFor } from './random.ts';
import type { Settings } from './settings.ts';
import { SMOKE } from './smoke.ts';
import { StrayFailures } from './stray-failures.ts';

/** A promise that a store did not keep, and how that was found. */
export interface Failure {
  readonly clause: ClauseId;
  /** The title of the check. */
  readonly check: string;
  /** What was promised: the clause in one sentence. */
  readonly promise: string;
  /** Where the clause stands in full. */
  readonly address: string;
  /** What was done, call by call. */
  readonly done: readonly string[];
  readonly expected: string;
  readonly actual: string;
  /** The line of the store's code that it comes from, where that is known. */
  readonly where?: string;
  /** Why it matters. */
  readonly why: string;
  /** How a store is usually put right. */
  readonly hint: string;
  /** The same for failures that come of one fault, as far as that can be told. */
  readonly cause: string;
  /** With this seed the same choices are made again. */
  readonly seed: number;
  /** A command that runs just this again. */
  readonly again: string;
}

/** How a check ended. */
export interface CheckResult {
  readonly clause: ClauseId;
  readonly title: string;
  readonly status: 'passed' | 'failed' | 'untested';
  /** Why it is untested. */
  readonly reason?: string;
  readonly failures: readonly Failure[];
  /** What the pace of the store left out of it, such as `2 of 15 rounds`. */
  readonly leftOut?: string;
  /** How long it took: milliseconds. */
  readonly duration: number;
}

/** The failures that any check can come across, with these words. */
const ANYWHERE = {
  C14: {
    why: 'Who calls a store has to know what failed, must not find secrets in a log, and must not be ended or kept waiting by it.',
    hint: 'Catch what the driver throws, wherever it does, and reject the call with a new TokenStoreError: a code, the operation, retryable, and nothing of the driver but its own code.',
  },
  T6: {
    why: 'What is printed stands in a log, and whoever reads that can use it.',
    hint: 'Print no record, no statement with its values and no error of a driver.',
  },
};

/** Runs one check on a store. Never throws: what goes wrong is in the result. */
export async function runCheck(
  check: Check,
  definition: TokenStoreDefinition,
  settings: Settings,
): Promise<CheckResult> {
  const started = performance.now();
  const ownSeed = seedFor(settings.seed, `${check.clause} ${check.title}`);
  const context = new CheckContext(definition, { ...settings, seed: ownSeed });
  const stray = new StrayFailures();
  const overheard = new Overheard();
  stray.start();
  overheard.start();
  let failure: unknown;
  try {
    await inTime(check, context);
    await turnOfTheLoop();
  } catch (error) {
    failure = withCalls(error, context.journal);
  } finally {
    await context[Symbol.asyncDispose]();
    await turnOfTheLoop();
    for (const thrown of stray.take()) context.strayed(thrown);
    stray.stop();
    overheard.stop();
    context.printed(overheard.take());
  }
  const failures: Failure[] = [];
  const told = { seed: settings.seed, again: commandFor(check, definition, settings) };
  if (failure !== undefined && !(failure instanceof Untested)) {
    failures.push({ ...failureOf(check, unexpected(failure), context), ...told });
  }
  const seen = new Set<string>();
  for (const { clause, ...observation } of context.observations) {
    // One of a kind is enough: a store that fails badly does so at every call.
    if (seen.has(observation.expected)) continue;
    seen.add(observation.expected);
    failures.push({
      clause,
      check: `${check.title} (seen in a check of ${check.clause})`,
      promise: CLAUSES[clause],
      address: addressOf(clause),
      ...ANYWHERE[clause],
      cause: withoutValues(`${observation.expected}: ${observation.actual}`),
      ...observation,
      ...told,
    });
  }
  return {
    clause: check.clause,
    title: check.title,
    status: failures.length > 0 ? 'failed' : failure === undefined ? 'passed' : 'untested',
    ...(failure instanceof Untested ? { reason: failure.message } : {}),
    failures,
    ...(context.leftOut.size > 0 ? { leftOut: [...context.leftOut].join(', ') } : {}),
    duration: performance.now() - started,
  };
}

function failureOf(
  check: Check,
  { expected, actual, details }: PromiseBroken,
  context: CheckContext,
): Omit<Failure, 'seed' | 'again'> {
  const clause = details.clause ?? check.clause;
  return {
    clause,
    check: check.title,
    promise: CLAUSES[clause],
    address: addressOf(clause),
    done: details.done ?? context.journal.lines(),
    expected,
    actual,
    ...(details.where === undefined ? {} : { where: details.where }),
    why: check.why,
    hint: details.hint ?? check.hint,
    cause: details.cause ?? withoutValues(`${expected}: ${actual}`),
  };
}

/** A command that runs the checks of a clause again, to be pasted as it is. */
function commandFor(
  check: Check,
  { module }: TokenStoreDefinition,
  { command, intensity, seed }: Settings,
): string {
  const path = module?.startsWith('file:') ? relative(process.cwd(), fileURLToPath(module)) : null;
  const own = `npx @tokenkeep/conformance ${path === null ? './my-store.ts' : quotedPath(path)}`;
  const how = intensity === 'standard' ? '' : ` --intensity ${intensity}`;
  // A run without clauses begins with it, and ends with it where it fails.
  const what = check === SMOKE ? '' : ` --clause ${check.clause}`;
  return `${command ?? own}${what} --seed ${seed}${how}`;
}

async function inTime(check: Check, context: CheckContext): Promise<void> {
  const { checkLimit } = context.settings;
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new PromiseBroken('the check to come to an end', `it had not after ${checkLimit} ms`, {
          hint: SLOW,
          cause: 'time ran out',
        }),
      );
    }, checkLimit);
  });
  try {
    await Promise.race([check.run(context), tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/** A path as a shell takes it for one word. */
export function quotedPath(path: string): string {
  return /^[\w./@-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

/** Rejections that nobody listens to are reported at the end of a turn. */
async function turnOfTheLoop(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
