import type { OAuthToken } from '@tokenkeep/core';
import { RecordSteps, type StepsOptions } from './record-steps.ts';
import { type Outcome, refreshOnce } from './refresh-once.ts';

/** One refresh of one record in this process, for however many calls (contract R1, R10). */
export class RefreshFlight {
  readonly outcome: Promise<Outcome<OAuthToken>>;
  readonly #steps: RecordSteps;
  #callers = 0;

  constructor(record: OAuthToken, options: StepsOptions) {
    this.#steps = new RecordSteps(record, options);
    this.outcome = refreshOnce(this.#steps).finally(() => this.#steps.giveBackSlot());
    // Every call may have been aborted by then.
    this.outcome.catch(() => {});
  }

  /** @throws what the signal was aborted with; the refresh goes on for the others */
  async join(signal: AbortSignal | undefined): Promise<Outcome<OAuthToken>> {
    this.#count(1);
    try {
      if (signal === undefined) return await this.outcome;
      return await unlessAborted(this.outcome, signal);
    } finally {
      this.#count(-1);
    }
  }

  #count(more: number): void {
    this.#callers += more;
    this.#steps.timers.isWaitedFor = this.#callers > 0;
  }
}

async function unlessAborted<Result>(
  result: Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const abort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([result, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
