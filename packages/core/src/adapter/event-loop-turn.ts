import type { MaybePromise } from './token-storage.ts';

/** How long calls may follow one another before the event loop has its turn: milliseconds. */
const MAX_TURN = 10;

/**
 * The present turn of the event loop, for stores whose calls wait for nothing: a program that awaits
 * one after the other would keep its timers and sockets waiting until the last one.
 */
export class EventLoopTurn {
  #began: number | undefined;
  /** In the order in which they came. Each is queued once, however many there are. */
  readonly #waiting: (() => void)[] = [];

  /** Does the work now, or after timers and sockets have had their turn. */
  run<T>(work: () => MaybePromise<T>): MaybePromise<T> {
    if (this.#waiting.length === 0 && !this.#isOver()) return work();
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => {
        try {
          resolve(work());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  #isOver(): boolean {
    if (this.#began !== undefined) return performance.now() - this.#began >= MAX_TURN;
    this.#began = performance.now();
    setImmediate(() => {
      this.#began = undefined;
      this.#runWaiting();
    });
    return false;
  }

  #runWaiting(): void {
    let done = 0;
    while (done < this.#waiting.length && !this.#isOver()) {
      this.#waiting[done]?.();
      done += 1;
    }
    this.#waiting.splice(0, done);
  }
}
