import type { OAuthToken, TokenStore } from '@tokenkeep/core';
import type { OAuthProvider } from '@tokenkeep/oauth-provider';
import { vi } from 'vitest';
import type { Calls, Mishap, Result } from './caller.ts';
import type { CallerProcess } from './caller-process.ts';

const CALLS = 10;

/** Milliseconds. Nothing is waited for as long where nobody is killed or stopped. */
const LONG_TIME_LIMIT = 30_000;

export interface RunOptions {
  readonly provider: OAuthProvider;
  readonly userName: string;
  /** As stored before anything was refreshed. */
  readonly saved: OAuthToken;
  readonly store: TokenStore;
  readonly callers: readonly CallerProcess[];
  /** Milliseconds: of a refresh, where a lease has to run out. */
  readonly shortTimeLimit: number;
  readonly holder: (mishap: Mishap | undefined) => Promise<CallerProcess>;
}

/** One scenario: a user, a provider of their own, and the processes that call its API. */
export class Run implements AsyncDisposable {
  readonly provider: OAuthProvider;
  readonly store: TokenStore;
  readonly saved: OAuthToken;
  readonly #options: RunOptions;
  readonly #results: Result[] = [];

  constructor(options: RunOptions) {
    this.provider = options.provider;
    this.store = options.store;
    this.saved = options.saved;
    this.#options = options;
  }

  /** Ten calls in each of four processes, all at once. */
  callFromAll(timeLimit: number = LONG_TIME_LIMIT): Promise<Result[]> {
    return this.#call(this.#options.callers, timeLimit);
  }

  /** A slow refresh must be longer than half of this, and shorter than all of it. */
  callFromAllQuickly(): Promise<Result[]> {
    return this.callFromAll(this.#options.shortTimeLimit);
  }

  /** The same in three processes, beside the one that has the lease. */
  callFromOthers(): Promise<Result[]> {
    return this.#call(this.#options.callers.slice(1), this.#options.shortTimeLimit);
  }

  /** The process that is first to take the lease, and what becomes of its ten calls. */
  async beginHolder(mishap?: Mishap): Promise<{ process: CallerProcess; held: Promise<Result[]> }> {
    const process = await this.#options.holder(mishap);
    const held = this.#call([process], this.#options.shortTimeLimit);
    await vi.waitUntil(async () => (await this.record())?.lease !== undefined, 60_000);
    return { process, held };
  }

  /** The record as it is. */
  record(): Promise<OAuthToken | null> {
    return this.store.findTokenById(this.saved.id ?? '');
  }

  /** What the run has come to: a row of the table. */
  figures(): Figures {
    const { counts, familiesRevoked } = this.provider;
    const failed = this.#results.filter((result) => result !== 200);
    return {
      calls: this.#results.length,
      failed: failed.length,
      errors: [...new Set(failed.map(String))].sort(),
      refreshes: counts.refreshes,
      refused: counts.refusedRefreshes,
      familiesRevoked,
    };
  }

  async #call(callers: readonly CallerProcess[], timeLimit: number): Promise<Result[]> {
    const { provider, userName } = this.#options;
    const { tokenEndpoint, api } = provider;
    const calls: Calls = { count: CALLS, userName, tokenEndpoint, api, timeLimit };
    const results = (await Promise.all(callers.map((caller) => caller.call(calls)))).flat();
    this.#results.push(...results);
    return results;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.provider.stop();
  }
}

export interface Figures {
  readonly calls: number;
  readonly failed: number;
  readonly errors: readonly string[];
  /** Refreshes that the provider answered with tokens. */
  readonly refreshes: number;
  /** Requests with a refresh token that it answered with `invalid_grant`. */
  readonly refused: number;
  readonly familiesRevoked: number;
}
