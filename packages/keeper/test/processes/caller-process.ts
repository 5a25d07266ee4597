import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Calls, Opening, Result } from './caller.ts';

const PROGRAM = fileURLToPath(new URL('caller.ts', import.meta.url));

/** A process that makes calls. */
export class CallerProcess {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (results: Result[]) => void>();
  #lastNumber = 0;

  /** @returns a process that has opened its store */
  static async start(opening: Opening): Promise<CallerProcess> {
    const child = fork(PROGRAM, [JSON.stringify(opening)]);
    const ended = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`A process for ${opening.name} has ended with ${signal ?? code}.`);
    });
    await Promise.race([once(child, 'message'), ended]);
    ended.catch(() => {});
    return new CallerProcess(child);
  }

  private constructor(child: ChildProcess) {
    this.#child = child;
    child.on('message', ({ number, results }: { number: number; results: Result[] }) => {
      this.#waiting.get(number)?.(results);
    });
  }

  /** What became of the calls; never, if the process ends before. */
  call(calls: Calls): Promise<Result[]> {
    this.#lastNumber += 1;
    const number = this.#lastNumber;
    return new Promise((resolve) => {
      this.#waiting.set(number, resolve);
      this.#child.send({ number, calls });
    });
  }

  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
