import type { OAuthToken, TokenStore } from '@tokenkeep/core';
import { invalidOption, requireKnownOptions } from '@tokenkeep/core/adapter';
import type { Refresher } from './refresher.ts';

/** Options of `TokenKeeper`. */
export interface TokenKeeperOptions {
  /** Where the tokens are. A store without versions serves one process only. */
  readonly store: TokenStore;
  /** Refreshes the tokens of every provider that `providers` does not name. */
  readonly refresh?: Refresher | undefined;
  /** Refreshes those with this `issuer` or `clientId`. */
  readonly providers?: Readonly<Record<string, Refresher>> | undefined;
  /**
   * For how many seconds at least an access token that is given out is good, but never more than a
   * tenth of its lifetime, which is known of those that the keeper got itself.
   *
   * @default 60
   */
  readonly refreshBefore?: number | undefined;
  /**
   * For how many milliseconds a token may be given from memory. What another process has deleted or
   * refreshed meanwhile is given for as long.
   *
   * @default 0
   */
  readonly cacheFor?: number | undefined;
  /**
   * How many refreshes there are in this process at a time.
   *
   * @default 50
   */
  readonly concurrency?: number | undefined;
  /**
   * How long a refresh may take: milliseconds. The same in every process: it is also for how long a
   * process that died in a refresh holds up the others.
   *
   * @default 10_000
   */
  readonly timeLimit?: number | undefined;
  /**
   * How long to wait before each further try to store what the provider gave: milliseconds.
   *
   * @default [100, 400, 1600]
   */
  readonly retryDelays?: readonly number[] | undefined;
  /**
   * What the header `Authorization` says, for `fetch`.
   *
   * @default `Bearer`, or the `tokenType` of the token, and the access token
   */
  readonly authorization?: ((token: OAuthToken) => string) | undefined;
}

const NAMES = [
  'store',
  'refresh',
  'providers',
  'refreshBefore',
  'cacheFor',
  'concurrency',
  'timeLimit',
  'retryDelays',
  'authorization',
] as const;

/** @throws TokenStoreError `INVALID_OPTION` */
export function requireKeeperOptions(options: TokenKeeperOptions): void {
  requireKnownOptions('TokenKeeper', options, NAMES, '{ store, refresh }');
  if (typeof options.store?.findTokenById !== 'function') {
    throw invalidOption('store', 'must be a TokenStore');
  }
  if (options.refresh === undefined && options.providers === undefined) {
    throw invalidOption('refresh', 'is missing: give it, or providers');
  }
  for (const refresher of [options.refresh, ...Object.values(options.providers ?? {})]) {
    if (refresher !== undefined && typeof refresher !== 'function') {
      throw invalidOption('refresh', 'must be a function, such as oauth2Refresh({...})');
    }
  }
  requireNumber('refreshBefore', options.refreshBefore, 0);
  requireNumber('cacheFor', options.cacheFor, 0);
  requireNumber('concurrency', options.concurrency, 1);
  requireNumber('timeLimit', options.timeLimit, 1);
  for (const delay of options.retryDelays ?? []) requireNumber('retryDelays', delay, 0);
}

function requireNumber(name: string, value: unknown, least: number): void {
  if (value === undefined) return;
  // What is longer, a timer of Node takes for nothing.
  if (typeof value === 'number' && value >= least && value < 2 ** 30) return;
  throw invalidOption(name, `must be a number, ${least} or more`);
}
