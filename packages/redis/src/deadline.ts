interface Waiting {
  /** When it is late: milliseconds of `performance.now()`. */
  readonly end: number;
  late(): void;
}

/**
 * How long each of many answers may take. All have the same time, so the first to be waited for is
 * the first to be late, and one timer does for them: one for each would cost a find its share.
 */
export class Deadline {
  readonly #time: number;
  /** In the order in which they began. */
  readonly #waiting = new Set<Waiting>();
  #timer: NodeJS.Timeout | undefined;

  /** @param time milliseconds */
  constructor(time: number) {
    this.#time = time;
  }

  /** Rejects with `lateness()` if the answer takes too long. */
  for<T>(answer: Promise<T>, lateness: () => unknown): Promise<T> {
    return new Promise((resolve, reject) => {
      const waiting = { end: performance.now() + this.#time, late: () => reject(lateness()) };
      this.#waiting.add(waiting);
      this.#timer ??= this.#wakeIn(this.#time);
      answer.then(
        (value) => {
          this.#waiting.delete(waiting);
          resolve(value);
        },
        (error) => {
          this.#waiting.delete(waiting);
          reject(error);
        },
      );
    });
  }

  /** Keeps nothing alive: what is waited for does, as long as there is a connection. */
  #wakeIn(time: number): NodeJS.Timeout {
    return setTimeout(() => this.#wake(), time).unref();
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
