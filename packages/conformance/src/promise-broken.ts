import type { ClauseId } from './clauses.ts';

/** What a {@link PromiseBroken} can tell besides what was expected and what came. */
export interface BrokenDetails {
  /** What was done, where that is not simply the calls that were made. */
  readonly done?: readonly string[] | undefined;
  /** The clause that was broken, where it is not that of the check. */
  readonly clause?: ClauseId | undefined;
  /** How a store is put right that breaks this, where the check's own hint does not fit. */
  readonly hint?: string | undefined;
  /** The same for all that comes of one fault, where that is known. */
  readonly cause?: string | undefined;
  /** The line of the store's code that it comes from. */
  readonly where?: string | undefined;
}

/** What a check throws when the store did not keep what it promises. */
export class PromiseBroken extends Error {
  override readonly name: string = 'PromiseBroken';
  readonly expected: string;
  readonly actual: string;
  readonly details: BrokenDetails;

  constructor(expected: string, actual: string, details: BrokenDetails = {}) {
    super(`expected ${expected}, but ${actual}`);
    this.expected = expected;
    this.actual = actual;
    this.details = details;
  }

  /** The same with more told. What it tells already stays. */
  with(details: BrokenDetails): PromiseBroken {
    const known = Object.entries(this.details).filter(([, value]) => value !== undefined);
    return new PromiseBroken(this.expected, this.actual, {
      ...details,
      ...Object.fromEntries(known),
    });
  }
}

/** The hint where time ran out: which clause was being checked says nothing then. */
export const SLOW =
  'If the store is slow but right, say how slow: `pace: 10` in the definition, or `static pace = 10` in the class, gives every call ten times as long. If it is not slow, look for a promise that is never settled: a callback that is not called, a lock that is not let go.';

/** What a check throws when it can't tell: the reason is shown, and nothing looks as if it had run. */
export class Untested extends Error {
  override readonly name: string = 'Untested';
}
