import type { MadeCall } from './calls.ts';
import type { TokenStoreDefinition } from './definition.ts';
import type { StoreProcess } from './store-process.ts';

/** As many as a check uses at once. */
const MOST = 4;

/**
 * Processes that a check has done with, for the next one: to start a process and load a driver in it
 * takes longer than what most checks have it do. Those of one store are kept at a time.
 */
class SpareProcesses {
  #definition: TokenStoreDefinition | undefined;
  #processes: StoreProcess[] = [];

  /** A process that was used and has nothing open, if there is one. */
  take(
    definition: TokenStoreDefinition,
    callLimit: number,
    onMade: (made: readonly MadeCall[]) => void,
  ): StoreProcess | undefined {
    if (definition !== this.#definition) return undefined;
    while (this.#processes.length > 0) {
      const process = this.#processes.pop();
      if (process?.isAlive !== true) continue;
      process.wakeUp(callLimit, onMade);
      return process;
    }
    return undefined;
  }

  /** Keeps a process that has done what a check wanted; ends it if it can't be used again. */
  async give(
    definition: TokenStoreDefinition,
    process: StoreProcess,
    limit: number,
  ): Promise<void> {
    const isUsable = await process.rest(limit);
    if (definition !== this.#definition) await this.end();
    this.#definition = definition;
    if (isUsable && this.#processes.length < MOST) this.#processes.push(process);
    else await process.kill();
  }

  /** Ends all that are kept. */
  async end(): Promise<void> {
    const ended = this.#processes;
    this.#processes = [];
    await Promise.all(ended.map((process) => process.kill()));
  }
}

export const spareProcesses: SpareProcesses = new SpareProcesses();
