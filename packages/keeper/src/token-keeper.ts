import { EventEmitter } from 'node:events';
import type { OAuthToken, TokenStore } from '@tokenkeep/core';
import {
  KEEPER_ERROR_CODES,
  ReauthorizationRequiredError,
  RefreshFailedError,
  RevocationFailedError,
  TokenKeeperError,
  TokenNotSavedError,
  type Whose,
  whoseOf,
} from './errors.ts';
import { type FetchWithToken, fetchWith } from './fetch-with-token.ts';
import { type TokenKeeperEvents, tell } from './keeper-events.ts';
import { reauthorizationRequired, refreshBeforeOf } from './keeper-notes.ts';
import { requireKeeperOptions, type TokenKeeperOptions } from './keeper-options.ts';
import { failureOf, isRefusal } from './provider-failure.ts';
import { type ProviderCall, ProviderRequest } from './provider-request.ts';
import { RecordSteps, type StepsOptions } from './record-steps.ts';
import { RefreshFlight } from './refresh-flight.ts';
import type { Outcome } from './refresh-once.ts';
import type { Refresher } from './refresher.ts';
import { revokeOnce } from './revoke-once.ts';
import { Slots } from './slots.ts';
import { TokenCache } from './token-cache.ts';
import { requireTokenRequest, type TokenRequest } from './token-request.ts';
import { tokenFor, type Who } from './who.ts';

/**
 * Gives valid access tokens for users, and refreshes each once, in whatever number of processes
 * (contract R1 to R10).
 *
 * @example
 * const keeper = new TokenKeeper({ store, refresh: oauth2Refresh({ tokenEndpoint, clientAuthentication: 'client_secret_basic' }) });
 * const accessToken = await keeper.accessToken({ userName: 'ada', clientId });
 */
export class TokenKeeper extends EventEmitter<TokenKeeperEvents> implements AsyncDisposable {
  readonly #store: TokenStore;
  readonly #options: TokenKeeperOptions;
  readonly #refreshBefore: number;
  readonly #cache: TokenCache;
  readonly #slots: Slots;
  /** By the id of the record. */
  readonly #flights = new Map<string, RefreshFlight>();
  #isClosed = false;
  #hasWarned = false;

  /** @throws TokenStoreError `INVALID_OPTION` */
  constructor(options: TokenKeeperOptions) {
    super();
    requireKeeperOptions(options);
    this.#options = options;
    this.#store = options.store;
    this.#refreshBefore = options.refreshBefore ?? 60;
    this.#cache = new TokenCache(options.cacheFor ?? 0);
    this.#slots = new Slots(options.concurrency ?? 50);
  }

  /**
   * An access token for the API.
   *
   * @throws as {@link TokenKeeper.token}
   */
  async accessToken(who: Who, request?: TokenRequest): Promise<string> {
    const { accessToken } = this.#cached(who, request) ?? (await this.token(who, request));
    // `isGood` has seen one, and an answer without one is none.
    return accessToken as string;
  }

  /**
   * A token whose access token is good for `refreshBefore` seconds or more. One whose expiry is not
   * known is taken to be good until it is `rejected`.
   *
   * While the provider fails, one that is good for less is given.
   *
   * @throws ReauthorizationRequiredError if only a new login helps
   * @throws RefreshFailedError if the provider fails, and the old access token is over
   * @throws TokenNotSavedError which carries what the provider gave
   * @throws InvalidTokenError for a `who` or a request that is none
   * @throws TokenStoreError of the store
   */
  async token(who: Who, request: TokenRequest = {}): Promise<OAuthToken> {
    const cached = this.#cached(who, request);
    if (cached !== undefined) return cached;
    requireTokenRequest(request);
    const { forceRefresh, rejected, signal } = request;
    signal?.throwIfAborted();
    const found = await this.#store.findToken(tokenFor(who));
    if (found === null) throw new ReauthorizationRequiredError(whoseOf(tokenFor(who)), 'unknown');
    const unwanted = forceRefresh === true ? found.accessToken : rejected;
    const token = this.#isGood(found, unwanted)
      ? found
      : await this.#refreshed(found, unwanted, signal);
    this.#cache.set(who, token);
    return token;
  }

  /**
   * A `fetch` that sends the access token of this user, and once more, with another one, what the
   * API has answered with 401, if its body can be sent again.
   *
   * @throws what {@link TokenKeeper.token} throws
   */
  fetch(who: Who): FetchWithToken {
    return fetchWith((request) => this.token(who, request), this.#options.authorization);
  }

  /**
   * Takes the login back at the provider, if it can (RFC 7009), and deletes the record. A login that
   * comes meanwhile stays.
   *
   * @throws RevocationFailedError if the provider fails: the record is still there
   */
  async revoke(who: Who): Promise<void> {
    const found = await this.#store.findToken(tokenFor(who));
    if (found === null) return;
    const options = this.#stepsFor(found);
    const steps = new RecordSteps(found, options);
    const { refresher, timeLimit } = options;
    const revoke = async (record: OAuthToken): Promise<void> => {
      const send: ProviderCall<void> = async (token, context) => refresher.revoke?.(token, context);
      try {
        await new ProviderRequest(send, record, timeLimit, steps.timers).inTime;
      } catch (error) {
        const failure = failureOf(error);
        // It knows the token no more, which is what was asked for.
        if (!isRefusal(failure)) throw new RevocationFailedError(options.whose, failure);
      }
    };
    try {
      await revokeOnce({
        read: () => steps.read(),
        wait: (sign) => steps.wait(sign),
        takeLease: (over) => steps.takeLease(over),
        dropLease: (over) => steps.dropLease(over),
        delete: (over) => steps.delete(over),
        revoke,
      });
    } finally {
      steps.giveBackSlot();
      this.#cache.forget(found.id ?? '');
    }
  }

  /** Begins no more refreshes, and waits for those that are under way. The store stays open. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.allSettled([...this.#flights.values()].map(({ outcome }) => outcome));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #cached(who: Who, request: TokenRequest = {}): OAuthToken | undefined {
    const token = request.forceRefresh === true ? undefined : this.#cache.get(who);
    return token !== undefined && this.#isGood(token, request.rejected) ? token : undefined;
  }

  #isGood(token: OAuthToken, unwanted: string | undefined): boolean {
    const { accessToken } = token;
    if (accessToken === undefined || accessToken === unwanted) return false;
    return !token.expiresWithin(refreshBeforeOf(token, this.#refreshBefore));
  }

  async #refreshed(
    found: OAuthToken,
    unwanted: string | undefined,
    signal: AbortSignal | undefined,
  ): Promise<OAuthToken> {
    for (;;) {
      const running = this.#flights.get(found.id ?? '');
      const flight = running ?? this.#start(found, unwanted);
      const outcome = await flight.join(signal);
      const token = this.#tokenOf(outcome, found, unwanted);
      // A refresh that others began may give just what this call does not want.
      if (running === undefined || token.accessToken !== unwanted) return token;
    }
  }

  #start(found: OAuthToken, unwanted: string | undefined): RefreshFlight {
    const id = found.id ?? '';
    const whose = whoseOf(found);
    const began = performance.now();
    if (this.#isClosed) throw closed();
    if (found.version === undefined) this.#warn();
    const flight = new RefreshFlight(found, {
      ...this.#stepsFor(found),
      isGood: (record) => this.#isGood(record, unwanted),
    });
    this.#flights.set(id, flight);
    const over = (): unknown => this.#flights.delete(id);
    flight.outcome.then(
      (outcome) => {
        this.#tell(whose, outcome, performance.now() - began);
        const retryAfter = retryAfterOf(outcome);
        // Until then it has said what it has to say: who asks again gets the same answer.
        if (retryAfter > 0) setTimeout(over, Math.min(retryAfter, 3_600) * 1_000).unref();
        else over();
      },
      (error: unknown) => {
        if (error instanceof TokenNotSavedError) tell(this, 'refreshFailed', { ...whose, error });
        over();
      },
    );
    return flight;
  }

  /** @throws what a call is told that gets no token */
  #tokenOf(
    outcome: Outcome<OAuthToken>,
    found: OAuthToken,
    unwanted: string | undefined,
  ): OAuthToken {
    switch (outcome.kind) {
      case 'good':
      case 'refreshed':
        return outcome.record;
      case 'gone':
        throw new ReauthorizationRequiredError(whoseOf(found), 'deleted');
      case 'dead': {
        const { record } = outcome;
        const details = reauthorizationRequired(record);
        const reason = details === undefined ? 'no_refresh_token' : 'refused';
        throw new ReauthorizationRequiredError(whoseOf(record), reason, details);
      }
      case 'failed': {
        const { accessToken } = found;
        const isUsable = accessToken !== undefined && accessToken !== unwanted;
        if (isUsable && !found.expiresWithin(0)) return found;
        throw outcome.error;
      }
    }
  }

  #tell(whose: Whose, outcome: Outcome<OAuthToken>, milliseconds: number): void {
    if (outcome.kind === 'refreshed') {
      const { expiresAt } = outcome.record;
      tell(this, 'refreshed', { ...whose, expiresAt, milliseconds });
    }
    if (outcome.kind === 'failed' && outcome.error instanceof RefreshFailedError) {
      tell(this, 'refreshFailed', { ...whose, error: outcome.error });
    }
    if (outcome.kind === 'dead' && outcome.oauthError !== undefined) {
      tell(this, 'reauthorizationRequired', { ...whose, oauthError: outcome.oauthError });
    }
  }

  #stepsFor(found: OAuthToken): StepsOptions {
    const whose = whoseOf(found);
    return {
      store: this.#store,
      refresher: this.#refresherFor(whose),
      whose,
      timeLimit: this.#options.timeLimit ?? 10_000,
      retryDelays: this.#options.retryDelays ?? [100, 400, 1_600],
      slots: this.#slots,
      isGood: (record) => this.#isGood(record, undefined),
      onNotSaved: (error) => tell(this, 'refreshFailed', { ...whose, error }),
    };
  }

  #refresherFor({ issuer, clientId }: Whose): Refresher {
    const { providers = {}, refresh } = this.#options;
    for (const name of [issuer, clientId]) {
      if (name === undefined || !Object.hasOwn(providers, name)) continue;
      const refresher = providers[name];
      if (refresher !== undefined) return refresher;
    }
    if (refresh !== undefined) return refresh;
    const named = `issuer ${JSON.stringify(issuer)}, client ${JSON.stringify(clientId)}`;
    throw new TokenKeeperError(
      'PROVIDER_UNKNOWN',
      `The record (${named}) is of no provider in \`providers\`: add it there, or give \`refresh\`.`,
    );
  }

  #warn(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    process.emitWarning(
      'This store has no versions: tokens are refreshed once in this process only, and no other process may use the store.',
      { code: 'TOKENKEEP_NO_VERSIONS' },
    );
  }
}

function closed(): TokenKeeperError {
  return new TokenKeeperError('KEEPER_CLOSED', KEEPER_ERROR_CODES.KEEPER_CLOSED);
}

/** Seconds, as the provider said. */
function retryAfterOf(outcome: Outcome<OAuthToken>): number {
  if (outcome.kind !== 'failed' || !(outcome.error instanceof RefreshFailedError)) return 0;
  return outcome.error.retryAfter ?? 0;
}
