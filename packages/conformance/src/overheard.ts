import process from 'node:process';
import { format } from 'node:util';

const METHODS = ['log', 'info', 'warn', 'error', 'debug', 'trace', 'dir', 'table'] as const;
/** Enough to find a secret in, whatever a store prints: characters. */
const MAX_LENGTH = 1_000_000;

/**
 * Listens to what is printed while a check runs, and to the warnings of the process: what is said
 * there stands in the logs of whoever uses the store (T6). All of it is printed all the same.
 */
export class Overheard {
  #text = '';
  #restore: (() => void)[] = [];
  readonly #warned = (warning: Error): void => this.#hear(`${warning.message} ${warning.stack}`);

  start(): void {
    for (const stream of [process.stdout, process.stderr]) {
      this.#listenTo(stream, 'write', ([chunk]) => String(chunk));
    }
    for (const method of METHODS) this.#listenTo(console, method, (args) => format(...args));
    process.on('warning', this.#warned);
  }

  stop(): void {
    for (const restore of this.#restore.splice(0)) restore();
    process.off('warning', this.#warned);
  }

  /** What was heard since it was asked last. */
  take(): string {
    const text = this.#text;
    this.#text = '';
    return text;
  }

  #listenTo(target: object, name: string, textOf: (args: unknown[]) => string): void {
    const own = Object.getOwnPropertyDescriptor(target, name);
    const method: unknown = Reflect.get(target, name);
    if (typeof method !== 'function') return;
    Reflect.set(target, name, (...args: unknown[]): unknown => {
      this.#hear(textOf(args));
      return Reflect.apply(method, target, args);
    });
    this.#restore.push(() => {
      if (own === undefined) Reflect.deleteProperty(target, name);
      else Object.defineProperty(target, name, own);
    });
  }

  #hear(text: string): void {
    if (this.#text.length < MAX_LENGTH) this.#text += `${text}\n`;
  }
}
