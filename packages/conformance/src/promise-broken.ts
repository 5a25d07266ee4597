/** What a check throws when the store did not keep what it promises. */
export class PromiseBroken extends Error {
  override readonly name: string = 'PromiseBroken';
  readonly expected: string;
  readonly actual: string;
  /** What was done, where that is not simply the calls that were made. */
  readonly done: readonly string[] | undefined;

  constructor(expected: string, actual: string, done?: readonly string[]) {
    super(`expected ${expected}, but ${actual}`);
    this.expected = expected;
    this.actual = actual;
    this.done = done;
  }
}

/** What a check throws when it can't tell: the reason is shown, and nothing looks as if it had run. */
export class Untested extends Error {
  override readonly name: string = 'Untested';
}
