/** How long calls may follow one another before the event loop has its turn: milliseconds. */
const LONGEST = 10;

/**
 * The present turn of the event loop, for stores whose calls wait for nothing: a program that awaits
 * one after the other would keep its timers and sockets waiting until the last one.
 */
export class EventLoopTurn {
  #began: number | undefined;

  /** Whether the event loop is due: to be asked before each call, and then `next` to be awaited. */
  isOver(): boolean {
    if (this.#began !== undefined) return performance.now() - this.#began >= LONGEST;
    this.#began = performance.now();
    setImmediate(() => {
      this.#began = undefined;
    });
    return false;
  }

  /** Lets timers and other callers have their turn. */
  next(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}
