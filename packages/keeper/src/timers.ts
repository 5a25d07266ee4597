/** Timers that keep the process alive only while somebody waits for what they are for (contract R10). */
export class Timers {
  readonly #running = new Set<NodeJS.Timeout>();
  #isWaitedFor = true;

  set isWaitedFor(isWaitedFor: boolean) {
    this.#isWaitedFor = isWaitedFor;
    for (const timer of this.#running) this.#hold(timer);
  }

  async sleep(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    this.#start(timer);
    await promise;
    this.#running.delete(timer);
  }

  /** @returns what ends it */
  every(milliseconds: number, run: () => void): () => void {
    const timer = setInterval(run, milliseconds);
    this.#start(timer);
    return () => {
      clearInterval(timer);
      this.#running.delete(timer);
    };
  }

  #start(timer: NodeJS.Timeout): void {
    this.#running.add(timer);
    this.#hold(timer);
  }

  #hold(timer: NodeJS.Timeout): void {
    if (this.#isWaitedFor) timer.ref();
    else timer.unref();
  }
}
