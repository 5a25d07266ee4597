import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { TestServerError } from './errors.ts';
import { freePort } from './free-port.ts';
import type { Lifecycle } from './lifecycle.ts';
import type { Program } from './program-folder.ts';
import { makeWatchedFolder, removeWatchedFolder, watchProcess } from './watched.ts';

/** How to start a server program, and how to see that it answers. */
export interface ServerProcessOptions {
  /** For messages: `MariaDB`. */
  readonly name: string;
  readonly command: Program;
  /** Its working directory, removed by `stop`; what it prints goes into the file `log` there. */
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
  /**
   * Asked again and again until it gives true; to throw means not yet, too. It should make sure
   * that it is this process that answers, and not another one that was faster to take the port.
   */
  ready(pid: number): Promise<boolean>;
}

/**
 * Starts a server program in a new temporary folder and on a port that is free. Should another
 * program take the port in between, another port is tried.
 *
 * @param parent where the folder is made, if not where temporary files are
 * @throws TestServerError `SERVER_DID_NOT_START`
 */
export async function startOnFreePort<Server>(
  name: string,
  start: (place: { readonly folder: string; readonly port: number }) => Promise<Server>,
  parent?: string,
): Promise<Server> {
  for (let attempt = 1; ; attempt += 1) {
    const folder = await makeWatchedFolder(name, parent);
    try {
      return await start({ folder, port: await freePort() });
    } catch (error) {
      await removeWatchedFolder(folder);
      const portTaken = error instanceof Error && /address already in use/i.test(error.message);
      if (!portTaken || attempt === 5) throw error;
    }
  }
}

const START_TIMEOUT_MS = 60_000;

/** A server program that runs on this machine as a child of this process. */
export class ServerProcess implements Lifecycle {
  readonly source = 'program';
  readonly #options: ServerProcessOptions;
  #child: ChildProcess | undefined;
  #stopped = false;

  private constructor(options: ServerProcessOptions) {
    this.#options = options;
  }

  /** @throws TestServerError `SERVER_DID_NOT_START` */
  static async start(options: ServerProcessOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options);
    await server.#start();
    return server;
  }

  /** The process that runs now; `undefined` while it is killed. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === undefined) return;
    // While it was started it was not to keep this process alive; now its end is waited for.
    child.ref();
    if (!hasEnded(child)) {
      const exit = once(child, 'exit');
      child.kill('SIGKILL');
      await exit;
    }
    this.#child = undefined;
  }

  async restart(): Promise<void> {
    if (this.#stopped) {
      throw new TestServerError(
        'SERVER_STOPPED',
        `This ${this.#options.name} was stopped and its files are gone; start another one.`,
      );
    }
    await this.kill();
    await this.#start();
  }

  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    await this.kill();
    await removeWatchedFolder(this.#options.folder);
  }

  async #start(): Promise<void> {
    const { command, folder, env, name } = this.#options;
    const [program, ...args] = command;
    const log = openSync(join(folder, 'log'), 'w');
    const environment: NodeJS.ProcessEnv = { ...process.env, ...env };
    delete environment['NODE_OPTIONS'];
    const child = spawn(program, args, {
      cwd: folder,
      env: environment,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#child = child;
    watchProcess(child);
    let failure: Error | undefined;
    child.once('error', (error) => {
      failure = error;
    });
    child.unref();

    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await this.#isReady(child.pid))) {
      const late = performance.now() > deadline;
      if (!late && failure === undefined && !hasEnded(child)) {
        await wait(20);
        continue;
      }
      if (failure === undefined) await this.kill();
      this.#child = undefined;
      const why = failure?.message ?? (late ? 'it did not answer in 60 s' : 'it ended');
      throw new TestServerError(
        'SERVER_DID_NOT_START',
        `${name} did not start: ${why}.\n${await this.#lastOfLog()}`,
      );
    }
  }

  async #isReady(pid: number | undefined): Promise<boolean> {
    try {
      return pid !== undefined && (await this.#options.ready(pid));
    } catch {
      return false;
    }
  }

  async #lastOfLog(): Promise<string> {
    const log = await readFile(join(this.#options.folder, 'log'), 'utf8');
    return log.trim().split('\n').slice(-20).join('\n');
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
