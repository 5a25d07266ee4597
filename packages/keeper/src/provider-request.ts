import type { OAuthToken } from '@tokenkeep/core';
import type { RefreshContext } from './refresher.ts';
import type { Timers } from './timers.ts';

/** In how many parts the time limit is counted. */
const TICKS = 20;

/** How a refresher is asked. */
export type ProviderCall<Given> = (token: OAuthToken, context: RefreshContext) => Promise<Given>;

/** One request to a provider, with its time limit. */
export class ProviderRequest<Given> {
  /** Rejects with `timeout` at the time limit, whatever the request does. */
  readonly inTime: Promise<Given>;
  /** The request itself, which may not care for the time limit. */
  readonly given: Promise<Given>;
  /** Half of the time is over. */
  readonly halfway: Promise<void>;
  /** What {@link ProviderRequest.inTime} rejects with at the time limit. */
  readonly timeout: DOMException = new DOMException('No answer in time.', 'TimeoutError');

  constructor(send: ProviderCall<Given>, token: OAuthToken, timeLimit: number, timers: Timers) {
    const controller = new AbortController();
    const halfway = Promise.withResolvers<void>();
    const timedOut = Promise.withResolvers<never>();
    // Counted, and not measured: when a process goes on that was stopped for long, the answer may
    // have come meanwhile, and must not be thrown away before it is read.
    let ticks = 0;
    const stop = timers.every(timeLimit / TICKS, () => {
      ticks += 1;
      if (ticks === TICKS / 2) halfway.resolve();
      if (ticks < TICKS) return;
      stop();
      // In this order: what the aborted request rejects with says less.
      timedOut.reject(this.timeout);
      controller.abort(this.timeout);
    });
    this.halfway = halfway.promise;
    // A refresher that is no async function may throw at once.
    this.given = (async () => send(token, { signal: controller.signal }))();
    this.inTime = Promise.race([this.given, timedOut.promise]).finally(stop);
    // Whoever asks for the answer gets the rejection; it may come before that.
    this.inTime.catch(() => {});
    this.given.catch(() => {});
  }
}
