import process from 'node:process';

/**
 * Catches what is thrown outside of any promise while it watches: a store that does that ends the
 * process of whoever uses it (C14). The listeners that were there before come back afterwards.
 */
export class StrayFailures {
  readonly #caught: unknown[] = [];
  #exceptionListeners: NodeJS.UncaughtExceptionListener[] = [];
  #rejectionListeners: NodeJS.UnhandledRejectionListener[] = [];
  readonly #catch = (failure: unknown): void => {
    this.#caught.push(failure);
  };

  start(): void {
    this.#exceptionListeners = process.listeners('uncaughtException');
    this.#rejectionListeners = process.listeners('unhandledRejection');
    process.removeAllListeners('uncaughtException');
    process.removeAllListeners('unhandledRejection');
    process.on('uncaughtException', this.#catch);
    process.on('unhandledRejection', this.#catch);
  }

  stop(): void {
    process.off('uncaughtException', this.#catch);
    process.off('unhandledRejection', this.#catch);
    for (const listener of this.#exceptionListeners) process.on('uncaughtException', listener);
    for (const listener of this.#rejectionListeners) process.on('unhandledRejection', listener);
  }

  /** What was caught since it was asked last. */
  take(): unknown[] {
    return this.#caught.splice(0);
  }
}
