import { AsyncLocalStorage } from 'node:async_hooks';

/**
 * Notes the timers that are set while work is done, to have them go off at once: what a store has
 * put off for later is seen without waiting for it.
 */
export class LeftTimers {
  readonly #noting = new AsyncLocalStorage<true>();
  readonly #left = new Map<unknown, () => unknown>();
  readonly #setTimeout = globalThis.setTimeout;
  readonly #clearTimeout = globalThis.clearTimeout;

  start(): void {
    globalThis.setTimeout = new Proxy(this.#setTimeout, {
      apply: (set, self, [callback, ...rest]: [() => unknown, ...unknown[]]) => {
        if (this.#noting.getStore() !== true) return Reflect.apply(set, self, [callback, ...rest]);
        const goOff = (...args: unknown[]): unknown => {
          this.#left.delete(timer);
          return Reflect.apply(callback, undefined, args);
        };
        const timer: unknown = Reflect.apply(set, self, [goOff, ...rest]);
        this.#left.set(timer, goOff);
        return timer;
      },
    });
    globalThis.clearTimeout = new Proxy(this.#clearTimeout, {
      apply: (clear, self, [timer]: [unknown]) => {
        this.#left.delete(timer);
        return Reflect.apply(clear, self, [timer]);
      },
    });
  }

  stop(): void {
    globalThis.setTimeout = this.#setTimeout;
    globalThis.clearTimeout = this.#clearTimeout;
  }

  /** Does work whose timers are noted. */
  during<T>(work: () => Promise<T>): Promise<T> {
    return this.#noting.run(true, work);
  }

  /** Has what is left go off, as it would later, and gives it some turns of the event loop. */
  async goOff(): Promise<void> {
    for (const [timer, callback] of [...this.#left]) {
      // One that has cleared itself, as `timer.close()` does, would not have gone off.
      const isGone = Reflect.get(Object(timer), '_destroyed') === true;
      globalThis.clearTimeout(timer as NodeJS.Timeout);
      // Not called from here: what it throws is to be thrown outside of any promise.
      if (!isGone) setImmediate(callback);
    }
    for (let turn = 0; turn < 20; turn += 1) await new Promise((done) => setImmediate(done));
  }
}
