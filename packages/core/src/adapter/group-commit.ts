import type { MaybePromise } from './token-storage.ts';

interface Waiting<Work, Result> {
  readonly work: Work;
  readonly resolve: (result: Result) => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Writes what concurrent callers want written in one commit, so that they share what is slow about
 * it: the lock, the transaction, the flush to disk.
 *
 * One commit runs at a time; what comes in meanwhile goes into the next one, in the order in which
 * it came.
 */
export class GroupCommit<Work, Result> {
  readonly #commit: (
    works: readonly Work[],
  ) => MaybePromise<readonly PromiseSettledResult<Result>[]>;
  #waiting: Waiting<Work, Result>[] = [];
  #isRunning = false;

  /**
   * @param commit gives an outcome for each work, in their order. Those that are rejected are not
   *   committed, the others are; if it throws, none is
   */
  constructor(
    commit: (works: readonly Work[]) => MaybePromise<readonly PromiseSettledResult<Result>[]>,
  ) {
    this.#commit = commit;
  }

  /** Settles when the work is committed, or has failed. */
  add(work: Work): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ work, resolve, reject });
      if (this.#isRunning) return;
      this.#isRunning = true;
      // Callers that start in the same turn of the event loop come along.
      queueMicrotask(() => void this.#run());
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group = this.#waiting;
      this.#waiting = [];
      try {
        const outcomes = await this.#commit(group.map(({ work }) => work));
        for (const [place, { resolve, reject }] of group.entries()) {
          const outcome = outcomes[place];
          if (outcome?.status === 'fulfilled') resolve(outcome.value);
          else reject(outcome?.reason ?? new Error('the commit gave no outcome'));
        }
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#isRunning = false;
  }
}

/** Does one work of a commit, and gives its outcome in the form that {@link GroupCommit} takes. */
export function settle<Result>(work: () => Result): PromiseSettledResult<Result> {
  try {
    return { status: 'fulfilled', value: work() };
  } catch (reason) {
    return { status: 'rejected', reason };
  }
}
