import type { TokenStoreError } from '../../errors.ts';
import { requireTimeout } from '../constructor-options.ts';
import { timedOut } from './connection.ts';

interface Waiting {
  /** When its time is over: milliseconds of `performance.now()`. */
  readonly end: number;
  expire(): void;
}

/**
 * How long each of many answers of a server may take. All have the same time, so the first to be
 * waited for is the first to be late, and one timer does for them.
 */
export class Deadline {
  readonly #time: number;
  readonly #server: string;
  /** In the order in which they began. */
  readonly #waiting = new Set<Waiting>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  /**
   * @param time the option `timeout`: milliseconds
   * @param server where it is, such as `db.example:3306`, for the error
   * @throws TokenStoreError `INVALID_OPTION`
   */
  constructor(time: number, server = '') {
    this.#time = requireTimeout(time);
    this.#server = server;
  }

  /**
   * Rejects with `timeoutError()` if the answer takes too long. Later results are ignored.
   *
   * @param timeoutError gives the error; it must not throw
   */
  for<T>(answer: Promise<T>, timeoutError: () => unknown = () => this.noAnswer()): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = { end: performance.now() + this.#time, expire: () => reject(timeoutError()) };
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

  /** The error for an answer that took too long. */
  noAnswer(): TokenStoreError {
    return timedOut(this.#server, undefined, this.#time);
  }

  #forget(waiting: Waiting): void {
    this.#waiting.delete(waiting);
    // It goes on, for the next answers, but keeps nothing alive meanwhile.
    if (this.#waiting.size === 0) this.#timer?.unref();
  }

  #wakeIn(time: number): ReturnType<typeof setTimeout> {
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
      waiting.expire();
    }
  }
}
