import type { Check } from './check.ts';
import { CheckContext, withCalls } from './check-context.ts';
import { CLAUSES, type ClauseId } from './clauses.ts';
import type { TokenStoreDefinition } from './definition.ts';
import { codeOf, firstLine } from './expectations.ts';
import { Overheard } from './overheard.ts';
import { PromiseBroken, Untested } from './promise-broken.ts';
import { seedFor } from './random.ts';
import type { Settings } from './settings.ts';
import { StrayFailures } from './stray-failures.ts';

/** A promise that a store did not keep, and how that was found. */
export interface Failure {
  readonly clause: ClauseId;
  /** The title of the check. */
  readonly check: string;
  /** What was promised: the clause in one sentence. */
  readonly promise: string;
  /** What was done, call by call. */
  readonly done: readonly string[];
  readonly expected: string;
  readonly actual: string;
  /** Why it matters. */
  readonly why: string;
  /** How a store is usually put right. */
  readonly hint: string;
  /** With this seed the same choices are made again. */
  readonly seed: number;
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
  if (failure !== undefined && !(failure instanceof Untested)) {
    failures.push(failureOf(check, failure, context, settings));
  }
  const seen = new Set<string>();
  for (const observation of context.observations) {
    // One of a kind is enough: a store that fails badly does so at every call.
    if (seen.has(observation.expected)) continue;
    seen.add(observation.expected);
    failures.push({
      check: `${check.title} (seen in a check of ${check.clause})`,
      promise: CLAUSES[observation.clause],
      ...observation,
      ...ANYWHERE[observation.clause],
      seed: settings.seed,
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
  error: unknown,
  context: CheckContext,
  settings: Settings,
): Failure {
  const broken =
    error instanceof PromiseBroken
      ? error
      : new PromiseBroken('every call to do what it is asked', unexpected(error));
  const clause = broken.clause ?? check.clause;
  return {
    clause,
    check: check.title,
    promise: CLAUSES[clause],
    done: broken.done ?? context.journal.lines(),
    expected: broken.expected,
    actual: broken.actual,
    why: check.why,
    hint: broken.hint ?? check.hint,
    seed: settings.seed,
  };
}

function unexpected(error: unknown): string {
  const code = codeOf(error);
  return `one failed with ${code === undefined ? '' : `${code}, `}${firstLine(error)}`;
}

async function inTime(check: Check, context: CheckContext): Promise<void> {
  const { checkLimit } = context.settings;
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(
        new PromiseBroken(
          'the check to come to an end',
          `it had not after ${checkLimit} ms; if the store is slow but right, say so: \`pace: 10\` in the definition`,
        ),
      );
    }, checkLimit);
  });
  try {
    await Promise.race([check.run(context), tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

/** Rejections that nobody listens to are reported at the end of a turn. */
async function turnOfTheLoop(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}
