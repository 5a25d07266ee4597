import type { MaybePromise } from './token-storage.ts';

/** Which of the works of a commit failed, by their place, and why. The others are committed. */
export type Failures = ReadonlyMap<number, unknown>;

interface Waiting<Work> {
  readonly work: Work;
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
export class GroupCommit<Work> {
  readonly #commit: (works: readonly Work[]) => MaybePromise<Failures>;
  #waiting: Waiting<Work>[] = [];
  #isRunning = false;

  /** @param commit commits all works but those that it names as failed; if it throws, none is */
  constructor(commit: (works: readonly Work[]) => MaybePromise<Failures>) {
    this.#commit = commit;
  }

  /** Settles when the work is committed, or has failed. */
  add(work: Work): Promise<void> {
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
