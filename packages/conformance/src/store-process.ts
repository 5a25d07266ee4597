import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { type Call, type MadeCall, sharedClock } from './calls.ts';
import type { Place } from './definition.ts';
import { PromiseBroken } from './promise-broken.ts';

/** What a worker has to know to open the store. */
export interface WorkerTask {
  /** `import.meta.url` of the module with the definition. */
  readonly module: string;
  /** The name of the definition. */
  readonly name: string;
  readonly place: Place;
}

/** What a worker is told to do. */
export type WorkerCommand =
  | { readonly command: 'open' | 'close' }
  /** Closes the store, and ends with the process that started it, whatever the store leaves behind. */
  | { readonly command: 'rest' }
  /** Leaves what is open and turns to another place, which the next command opens. */
  | { readonly command: 'turn to'; readonly place: Place }
  | {
      readonly command: 'run';
      readonly calls: readonly Call[];
      /** When to begin, on the clock that the processes share: milliseconds. */
      readonly at: number;
      /** `together`: all at once. `in order`: each when the one before has ended. */
      readonly how: 'together' | 'in order';
    }
  | ({ readonly command: 'save until killed' } & SavingUntilKilled);

/** What a process does that is to be killed. */
export interface SavingUntilKilled {
  /** Where it notes what it tried, and what was acknowledged. */
  readonly log: string;
  /** How many records it saves at once. */
  readonly lanes: number;
  /** `update`: the record of a user. `absorb`: a token without a user, and then the user with it. */
  readonly how: 'update' | 'absorb';
}

/** What a worker answers. */
export type WorkerAnswer =
  | { readonly ready: true }
  | { readonly made: readonly MadeCall[] }
  | { readonly failed: string };

/** How long a process may take to be there: milliseconds. */
const START_LIMIT = 30_000;
/** How far ahead a common start is set, so that every process has got the message: milliseconds. */
const LEAD = 15;

/** Another process that uses the store under test. */
export class StoreProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #callLimit: number;
  #onMade: (made: readonly MadeCall[]) => void;
  #errors = '';
  #answers: Promise<WorkerAnswer>;
  /** Whether an answer is still to come. */
  #isBusy = true;
  #isKilled = false;

  /** @param onMade told of the calls that were made, when they have ended */
  constructor(
    task: WorkerTask,
    callLimit: number,
    onMade: (made: readonly MadeCall[]) => void = () => {},
  ) {
    this.#callLimit = callLimit;
    this.#onMade = onMade;
    // The sources run as they are, and what was built runs beside it: same folder, same extension.
    const worker = new URL(
      import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js',
      import.meta.url,
    );
    this.#child = fork(fileURLToPath(worker), [JSON.stringify(task)], {
      execArgv: loadingFlags(process.execArgv),
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-2_000);
    });
    this.#exited = once(this.#child, 'exit').catch(() => undefined);
    this.#answers = this.#nextAnswer(START_LIMIT);
  }

  /** Settles when the process runs and has loaded the definition. */
  async ready(): Promise<void> {
    await this.#answer();
  }

  /** Opens the place. */
  async open(): Promise<void> {
    await this.#ask({ command: 'open' });
  }

  /** Closes the store and turns to another place, which is opened by the first call. */
  async turnTo(place: Place): Promise<void> {
    await this.#ask({ command: 'turn to', place });
  }

  /** Closes the store; the process lives on. */
  async close(): Promise<void> {
    await this.#ask({ command: 'close' });
  }

  /**
   * Closes the store, so that another check can have the process. Nothing waits for it until then.
   *
   * @returns whether it can be used again: not if it is gone, still does something or fails to close
   */
  async rest(limit: number): Promise<boolean> {
    if (this.#isBusy || !this.isAlive) return false;
    try {
      await this.#ask({ command: 'rest' }, limit);
    } catch {
      return false;
    }
    for (const held of this.#held()) held?.unref();
    return this.isAlive;
  }

  /** Begins to work for another check. */
  wakeUp(callLimit: number, onMade: (made: readonly MadeCall[]) => void): void {
    this.#callLimit = callLimit;
    this.#onMade = onMade;
    for (const held of this.#held()) held?.ref();
  }

  get isAlive(): boolean {
    const { connected, exitCode, signalCode } = this.#child;
    return connected && exitCode === null && signalCode === null;
  }

  /** Makes calls, beginning at a moment of the clock that the processes share. */
  async run(
    calls: readonly Call[],
    at: number,
    how: 'together' | 'in order',
  ): Promise<readonly MadeCall[]> {
    const answer = await this.#ask({ command: 'run', calls, at, how });
    const made = 'made' in answer ? answer.made : [];
    this.#onMade(made);
    return made;
  }

  /** Begins to save, and writes what it tried and what was acknowledged to a file, until it is killed. */
  saveUntilKilled(saving: SavingUntilKilled): void {
    const command: WorkerCommand = { command: 'save until killed', ...saving };
    this.#isBusy = true;
    this.#child.send(command);
  }

  /**
   * Lets go of the process, as when its program has come to an end.
   *
   * @returns whether it ended by itself in time
   */
  async endsWithin(limit: number): Promise<boolean> {
    this.#child.disconnect();
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<'too long'>((resolve) => {
      timer = setTimeout(resolve, limit, 'too long');
    });
    const first = await Promise.race([this.#exited, tooLong]);
    clearTimeout(timer);
    return first !== 'too long';
  }

  /** Kills the process with SIGKILL, and settles when it is gone. */
  async kill(): Promise<void> {
    this.#isKilled = true;
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      // Its end is waited for.
      this.#child.ref();
      this.#child.kill('SIGKILL');
    }
    await this.#exited;
  }

  /** What keeps this process alive. */
  #held(): readonly (Pick<ChildProcess, 'ref' | 'unref'> | null | undefined)[] {
    return [this.#child, this.#child.channel, this.#child.stderr as Socket | null];
  }

  async #ask(command: WorkerCommand, limit?: number): Promise<WorkerAnswer> {
    const count = command.command === 'run' ? command.calls.length : 1;
    const usual = this.#callLimit * Math.max(2, Math.min(count, 10));
    this.#answers = this.#nextAnswer(limit ?? usual);
    this.#child.send(command);
    return this.#answer();
  }

  async #answer(): Promise<WorkerAnswer> {
    const answer = await this.#answers;
    if ('failed' in answer) {
      throw new PromiseBroken('the store to work in another process', answer.failed);
    }
    return answer;
  }

  #nextAnswer(limit: number): Promise<WorkerAnswer> {
    const { promise, resolve } = Promise.withResolvers<WorkerAnswer>();
    const timer = setTimeout(() => {
      done({ failed: `another process had not answered after ${limit} ms` });
    }, limit);
    const told = (message: unknown): void => done(message as WorkerAnswer);
    const gone = (code: number | null, signal: string | null): void => {
      const said = this.#errors.trim().split('\n').slice(-8).join('\n');
      done({
        failed: this.#isKilled
          ? 'it was killed'
          : `another process ended with ${signal ?? `code ${code}`}${said === '' ? '' : `: ${said}`}`,
      });
    };
    this.#isBusy = true;
    const done = (answer: WorkerAnswer): void => {
      clearTimeout(timer);
      // One that did not answer in time may do so later.
      this.#isBusy = 'failed' in answer;
      this.#child.off('message', told).off('exit', gone);
      resolve(answer);
    };
    this.#child.on('message', told).on('exit', gone);
    return promise;
  }
}

/** Makes calls in several processes, all beginning at one moment. */
export async function runTogether(
  processes: readonly StoreProcess[],
  programs: readonly (readonly Call[])[],
  how: 'together' | 'in order' = 'in order',
): Promise<MadeCall[]> {
  const at = sharedClock() + LEAD;
  const made = await Promise.all(
    processes.map((process, index) => process.run(programs[index] ?? [], at, how)),
  );
  return made.flat();
}

/** Of the flags of this process those that say how modules are found and loaded: a runner has others. */
function loadingFlags(flags: readonly string[]): string[] {
  const kept: string[] = [];
  for (const [at, flag] of flags.entries()) {
    const [name = ''] = flag.split('=', 1);
    if (!/^(-C|--conditions|-r|--require|--import|--loader|--experimental-loader)$/.test(name))
      continue;
    kept.push(flag);
    const value = flags[at + 1];
    if (flag === name && value !== undefined) kept.push(value);
  }
  return kept;
}
