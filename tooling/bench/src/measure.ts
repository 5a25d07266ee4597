import { Bench } from 'tinybench';
import type { Call, Operation } from './contender.ts';

/** How the calls of a pass go: each after the one before, or all of them at the same time. */
export type Mode = 'sequential' | 'in flight';

/** Calls in a pass. */
export const PASS = 64;

/** Passes of saves of new users before they are measured, at most. */
const WARM_SAVES = 80;

/** One by one, a pass that takes longer than this is cut to one call: milliseconds. */
const LONG_PASS = 1_000;

/** Something that is measured over many rounds. */
export class Measurement {
  readonly #makeCall: (turn: number) => Call;
  readonly #mode: Mode;
  readonly #samples: number[] = [];
  readonly #adds: boolean;
  #calls = PASS;
  #passesInRound = 1;
  #turn: number;

  /** @param firstTurn turns begin there: no two measurements of one runner may share any */
  constructor(
    makeCall: (turn: number) => Call,
    operation: Operation,
    mode: Mode,
    firstTurn: number,
  ) {
    this.#makeCall = makeCall;
    this.#mode = mode;
    this.#adds = operation === 'saveNew';
    this.#turn = firstTurn;
  }

  /** Microseconds a call: the median of all passes so far. */
  get time(): number {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  }

  /**
   * Finds out how long a pass takes, fills caches and lets the engine optimise it: what runs for days
   * is measured as it runs then. It goes on for two seconds, long enough to come by every record;
   * only saves of new users, which make the storage larger, are cut short.
   */
  async warmUp(): Promise<void> {
    const start = performance.now();
    for (let passes = 1; ; passes += this.#passesInRound) {
      const time = Math.min(...(await this.#passes(this.#passesInRound)));
      if (this.#mode === 'sequential' && time > LONG_PASS) this.#calls = 1;
      this.#passesInRound = Math.min(10, Math.max(1, Math.round(20 / time)));
      const isWarm = this.#adds && passes >= WARM_SAVES;
      if (isWarm || performance.now() > start + 2_000) return;
    }
  }

  /**
   * A few passes, timed by tinybench. It would run each task to its end before the next; what is
   * compared here takes turns instead, round by round, so that a machine that gets slower or faster
   * meanwhile does so for all.
   */
  async round(): Promise<void> {
    for (const time of await this.#passes(this.#passesInRound)) {
      this.#samples.push((time * 1000) / this.#calls);
    }
  }

  /** @returns milliseconds of each pass */
  async #passes(count: number): Promise<readonly number[]> {
    let calls: Call[] = [];
    const bench = new Bench({ iterations: count, time: 0, warmup: false, retainSamples: true });
    bench.add('pass', this.#mode === 'in flight' ? () => inFlight(calls) : () => oneByOne(calls), {
      beforeEach: () => {
        calls = Array.from({ length: this.#calls }, () => this.#makeCall(this.#turn++));
      },
    });
    await bench.run();
    const result = bench.tasks[0]?.result;
    if (result?.state !== 'completed') throw new Error(`a pass failed: ${result?.state}`);
    return result.latency.samples ?? [];
  }
}

async function oneByOne(calls: readonly Call[]): Promise<void> {
  for (const call of calls) {
    const result = call();
    // Bare statements do not wait, and are not made to.
    if (result instanceof Promise) await result;
  }
}

async function inFlight(calls: readonly Call[]): Promise<void> {
  await Promise.all(calls.map((call) => call()));
}
