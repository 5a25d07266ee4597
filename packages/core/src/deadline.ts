import { invalidOption } from './errors.ts';

interface Waiting {
  /** When it is late: milliseconds of `performance.now()`. */
  readonly end: number;
  late(): void;
}

/**
 * How long each of many answers of a server may take. All have the same time, so the first to be
 * waited for is the first to be late, and one timer does for them: one for each would cost a find its
 * share.
 */
export class Deadline {
  readonly #time: number;
  /** In the order in which they began. */
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param time the option `timeout`: milliseconds
   * @throws TokenStoreError `INVALID_OPTION`
   */
  constructor(time: number) {
    // What is longer, a timer takes for nothing.
    if (!Number.isSafeInteger(time) || time < 1 || time >= 2 ** 31) {
      throw invalidOption('timeout', 'must be a whole number of milliseconds, 1 to 2,147,483,647');
    }
    this.#time = time;
  }

  /**
   * Rejects with `lateness()` if the answer takes too long. What comes after that is nobody's.
   *
   * @param lateness gives the error; it must not throw
   */
  for<T>(answer: Promise<T>, lateness: () => unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = { end: performance.now() + this.#time, late: () => reject(lateness()) };
      this.#waiting.add(waiting);
      this.#timer ??= this.#wakeIn(this.#time);
      this.#timer.ref();
      answer.then(
        (value) => {
          this.#forget(waiting);
          resolve(value);
        },
        (error) => {
          this.#forget(waiting);
          reject(error);
        },
      );
    });
  }

  #forget(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    // It goes on, for the next answers, but keeps nothing alive meanwhile.
    if (this.#waiting.size === 0) this.#timer?.unref();
  }

  #wakeIn(time: number): NodeJS.Timeout {
    return setTimeout(() => this.#wake(), time);
  }

  #wake(): void {
    this.#timer = undefined;
    const now = performance.now();
    for (const waiting of this.#waiting) {
      if (waiting.end > now) {
        this.#timer = this.#wakeIn(waiting.end - now);
        return;
      }
      this.#waiting.delete(waiting);
      waiting.late();
    }
  }
}
