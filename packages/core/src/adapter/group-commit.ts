import { TokenStoreError } from '../errors.ts';
import type { MaybePromise } from './token-storage.ts';

/**
 * How long the works of one commit may take, of those that come at once: milliseconds. The event loop,
 * and whoever waits for the lock, waits until they are done and written, which takes several times as long.
 */
const MAX_WORKS = 5;

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
 * it came. A work that is refused, with a `TokenStoreError`, does not fail the others.
 */
export class GroupCommit<Context> {
  readonly #commit: (work: Work<Context>) => MaybePromise<void>;
  readonly #isSharedFault: (error: unknown) => boolean;
  #waiting: Waiting<Context>[] = [];
  #isRunning = false;

  /**
   * @param commit does the work, as often as it takes, and commits it; if either throws, it writes nothing
   * @param isSharedFault whether what a commit failed with would fail each of its works alone, too;
   *   else each is tried alone
   */
  constructor(
    commit: (work: Work<Context>) => MaybePromise<void>,
    isSharedFault: (error: unknown) => boolean,
  ) {
    this.#commit = commit;
    this.#isSharedFault = isSharedFault;
  }

  /**
   * Settles when the work is committed, or has failed.
   *
   * @param work is done again if it was rolled back
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
      await this.#commitGroup(group);
    }
    this.#isRunning = false;
  }

  async #commitGroup(group: readonly Waiting<Context>[]): Promise<void> {
    const refused = new Map<Waiting<Context>, TokenStoreError>();
    let done = 0;
    try {
      await this.#commit((context) => {
        refused.clear();
        done = 0;
        const end = performance.now() + MAX_WORKS;
        for (const waiting of group) {
          if (done > 0 && performance.now() >= end) break;
          done += 1;
          try {
            waiting.work(context);
          } catch (error) {
            // Who refuses has written nothing yet; a fault of the storage may come halfway.
            if (!(error instanceof TokenStoreError)) throw error;
            refused.set(waiting, error);
          }
        }
      });
    } catch (error) {
      if (group.length > 1 && !this.#isSharedFault(error)) {
        for (const waiting of group) await this.#commitGroup([waiting]);
      } else {
        for (const { reject } of group) reject(error);
      }
      return;
    }
    if (done < group.length) this.#waiting = [...group.slice(done), ...this.#waiting];
    for (const waiting of group.slice(0, done)) {
      const refusal = refused.get(waiting);
      if (refusal === undefined) waiting.resolve();
      else waiting.reject(refusal);
    }
  }
}
