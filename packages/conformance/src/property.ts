import fc from 'fast-check';
import { type CheckContext, withCalls } from './check-context.ts';
import { PromiseBroken } from './promise-broken.ts';

/** How long a failure may be made smaller: milliseconds. */
const SHRINK_LIMIT = 10_000;

/**
 * Tries a property on random values, each in a context of its own, and makes the first value that
 * breaks it as small as it can.
 *
 * @throws PromiseBroken for the smallest value, with the calls that it came to
 */
export async function holdsForAll<T>(
  context: CheckContext,
  arbitrary: fc.Arbitrary<T>,
  runs: number,
  run: (value: T, inner: CheckContext) => Promise<void>,
): Promise<void> {
  let failedAt: number | undefined;
  let smallest: unknown;
  const property = fc.asyncProperty(arbitrary, async (value) => {
    // Beyond the limit nothing fails any more, so that the smallest so far is kept.
    if (failedAt !== undefined && performance.now() - failedAt > SHRINK_LIMIT) return;
    await using inner = context.nested();
    try {
      await run(value, inner);
    } catch (error) {
      // A call that does not settle would be waited for at every step.
      failedAt ??= inner.hasHung ? Number.NEGATIVE_INFINITY : performance.now();
      smallest = withCalls(error, inner.journal);
      throw smallest;
    }
  });
  const { seed } = context.settings;
  const details = await fc.check(property, { seed, numRuns: runs });
  if (!details.failed) return;
  if (smallest instanceof PromiseBroken) {
    const { expected, actual, details: known } = smallest;
    const note = `(the smallest of ${details.numRuns} random sequences that were tried, after ${details.numShrinks} steps)`;
    throw new PromiseBroken(expected, actual, { ...known, done: [...(known.done ?? []), note] });
  }
  throw smallest ?? details.errorInstance;
}
