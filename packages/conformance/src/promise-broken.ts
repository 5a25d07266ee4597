import type { ClauseId } from './clauses.ts';

/** What a {@link PromiseBroken} can tell besides what was expected and what came. */
export interface BrokenDetails {
  /** What was done, where that is not simply the calls that were made. */
  readonly done?: readonly string[] | undefined;
  /** The clause that was broken, where it is not that of the check. */
  readonly clause?: ClauseId | undefined;
  /** How a store is put right that breaks this, where the check's own hint does not fit. */
  readonly hint?: string | undefined;
}

/** What a check throws when the store did not keep what it promises. */
export class PromiseBroken extends Error {
  override readonly name: string = 'PromiseBroken';
  readonly expected: string;
  readonly actual: string;
  readonly done: readonly string[] | undefined;
  readonly clause: ClauseId | undefined;
  readonly hint: string | undefined;

  constructor(expected: string, actual: string, { done, clause, hint }: BrokenDetails = {}) {
    super(`expected ${expected}, but ${actual}`);
    this.expected = expected;
    this.actual = actual;
    this.done = done;
    this.clause = clause;
    this.hint = hint;
  }

  /** The same with more told. What it tells already stays. */
  with(details: BrokenDetails): PromiseBroken {
    return new PromiseBroken(this.expected, this.actual, {
      done: this.done ?? details.done,
      clause: this.clause ?? details.clause,
      hint: this.hint ?? details.hint,
    });
  }
}

/** What a check throws when it can't tell: the reason is shown, and nothing looks as if it had run. */
export class Untested extends Error {
  override readonly name: string = 'Untested';
}
