import type { MaybePromise } from './token-storage.ts';

/** Which of the works of a commit failed, by their place, and why. The others are committed. */
export type Failures = ReadonlyMap<number, unknown>;

/** What is to be written, with what a commit gives to write it with. */
export type Work<Context> = (context: Context) => void;

interface Waiting<Context> {
  readonly work: Work<Context>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

/**
 * Writes what concurrent callers want written in one commit, so that they share what is slow about
 * it: the lock, the transaction, the flush to disk.
 *
 * One commit runs at a time; what comes in meanwhile goes into the next one, in the order in which
 * it came.
 */
export class GroupCommit<Context> {
  readonly #commit: (works: readonly Work<Context>[]) => MaybePromise<Failures>;
  #waiting: Waiting<Context>[] = [];
  #isRunning = false;

  /** @param commit commits all works but those that it names as failed; if it throws, none is */
  constructor(commit: (works: readonly Work<Context>[]) => MaybePromise<Failures>) {
    this.#commit = commit;
  }

  /**
   * Settles when the work is committed, or has failed.
   *
   * @param work is done again if it was rolled back because of another's fault
   * @returns what the work gave when it was done last
   */
  add<Result>(work: (context: Context) => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      let result: Result;
      this.#waiting.push({
        work: (context) => {
          result = work(context);
        },
        resolve: () => resolve(result),
        reject,
      });
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
        const failures = await this.#commit(group.map(({ work }) => work));
        for (const [place, { resolve, reject }] of group.entries()) {
          if (failures.has(place)) reject(failures.get(place));
          else resolve();
        }
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    this.#isRunning = false;
  }
}
