import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type OAuthToken, type TokenStore, TokenStoreError } from '@tokenkeep/core';
import { RefreshFailedError, TokenNotSavedError, type Whose, whoseOf } from './errors.ts';
import { deadNotes, freshNotes, reauthorizationRequired, spendable } from './keeper-notes.ts';
import { failureOf, isRefusal, TIMED_OUT } from './provider-failure.ts';
import { ProviderRequest } from './provider-request.ts';
import { type Answer, REFUSED, type Steps, storeAnswer } from './refresh-once.ts';
import { asAnswer, type Refresher } from './refresher.ts';
import type { Slots } from './slots.ts';
import { StoredRecord } from './stored-record.ts';
import { Timers } from './timers.ts';

/** Milliseconds between one look at a record that another process refreshes and the next. */
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 250;

/** For how many time limits a lease has to be seen unchanged to be taken for lost. */
const LEASE_MARGIN = 1.2;

export interface StepsOptions {
  readonly store: TokenStore;
  readonly refresher: Refresher;
  readonly whose: Whose;
  /** Milliseconds. */
  readonly timeLimit: number;
  /** Milliseconds before each further try to store what a provider gave. */
  readonly retryDelays: readonly number[];
  readonly slots: Slots;
  readonly isGood: (record: OAuthToken) => boolean;
  /** What came after the time limit could not be stored, and nobody waits for it any more. */
  readonly onNotSaved: (error: TokenNotSavedError) => void;
}

/** The steps of a refresh as they are: on a store, a provider and the clock of this process. */
export class RecordSteps implements Steps<OAuthToken, OAuthToken> {
  readonly timers: Timers = new Timers();
  readonly isGood: (record: OAuthToken) => boolean;
  readonly #options: StepsOptions;
  readonly #record: StoredRecord;
  #hasSlot = false;
  #leasedAt = 0;
  #call: { record: OAuthToken; request: ProviderRequest<object> } | undefined;
  /** Whether half of the time limit was over before the answer came. */
  #isSlow = false;
  /** What the provider gave, until it is stored. */
  #unsaved: OAuthToken | undefined;
  #sign: string | undefined;
  #watchedSince = 0;
  #pause: number = FIRST_PAUSE;

  constructor(record: OAuthToken, options: StepsOptions) {
    this.isGood = options.isGood;
    this.#options = options;
    this.#record = new StoredRecord(options.store, record.id ?? '');
  }

  read(): Promise<OAuthToken | null> {
    return this.#insisting(() => this.#record.read());
  }

  isDead(record: OAuthToken): boolean {
    const { exchangesGrants = false } = this.#options.refresher;
    const secret = exchangesGrants ? spendable(record) : record.refreshToken;
    return secret === undefined || reauthorizationRequired(record) !== undefined;
  }

  async takeLease(over: OAuthToken): Promise<OAuthToken | null> {
    await this.#takeSlot();
    // From before it is there for others to see: this process may be stopped meanwhile.
    const began = performance.now();
    const leased = await this.#record.save(over, { lease: randomUUID() });
    if (leased !== null) this.#leasedAt = began;
    return leased;
  }

  dropLease(over: OAuthToken): Promise<OAuthToken | null> {
    return this.#record.save(over, {}, 'lease');
  }

  async send(record: OAuthToken): Promise<Answer<OAuthToken>> {
    await this.#takeSlot();
    // A process that was stopped meanwhile does not know whether its lease is still its own.
    const isLate = performance.now() - this.#leasedAt > this.#options.timeLimit;
    if (record.lease !== undefined && isLate) return { kind: 'late' };
    const { refresher, timeLimit } = this.#options;
    this.#call = {
      record,
      request: new ProviderRequest(refresher, record, timeLimit, this.timers),
    };
    this.#isSlow = false;
    return await this.answer();
  }

  async answer(): Promise<Answer<OAuthToken>> {
    if (this.#call === undefined) throw new Error('asked for an answer, but nothing was sent');
    const { record, request } = this.#call;
    if (!this.#isSlow) {
      const inTime = await Promise.race([request.inTime, request.halfway]).then(
        (given) => given !== undefined,
        () => true,
      );
      this.#isSlow = true;
      if (!inTime) return { kind: 'pending' };
    }
    try {
      this.#unsaved = asAnswer(await request.inTime);
      return { kind: 'tokens', tokens: this.#unsaved };
    } catch (error) {
      // A wrong option or field says itself what to do.
      if (error instanceof TokenStoreError) return { kind: 'failed', error };
      const isLate = error === request.timeout;
      if (isLate) this.#storeWhenItComes(request, record);
      const failure = isLate ? TIMED_OUT : failureOf(error);
      return isRefusal(failure)
        ? { kind: 'refused', error: failure.oauthError ?? '' }
        : { kind: 'failed', error: new RefreshFailedError(whoseOf(record), failure) };
    }
  }

  store(over: OAuthToken, answer: OAuthToken): Promise<OAuthToken | null> {
    const { accessToken, refreshToken, expiresAt, scope, tokenType, apiDomain } = answer;
    // And nothing else of what a refresher gives: whose it is, it was told.
    const tokens = { accessToken, refreshToken, expiresAt, scope, tokenType, apiDomain };
    const notes = { ...answer.extra, ...freshNotes(over, answer) };
    const extra = Object.keys(notes).length === 0 ? null : notes;
    return this.#insisting(async () => {
      const stored = await this.#record.save(over, { ...tokens, extra }, 'lease');
      if (stored !== null) this.#unsaved = undefined;
      return stored;
    });
  }

  async markDead(over: OAuthToken, error: string): Promise<OAuthToken | null> {
    return await this.#record.save(over, { extra: deadNotes(over, error) }, 'lease');
  }

  async wait(sign: string): Promise<boolean> {
    // Whoever waits for another process keeps nobody here from refreshing.
    this.giveBackSlot();
    if (sign !== this.#sign) {
      this.#sign = sign;
      this.#watchedSince = performance.now();
      this.#pause = FIRST_PAUSE;
    }
    await this.timers.sleep(this.#pause);
    this.#pause = Math.min(this.#pause * 1.5, LONGEST_PAUSE);
    const { timeLimit } = this.#options;
    // Longer for what another holds than for what is held here.
    const limit = sign === REFUSED ? timeLimit : timeLimit * LEASE_MARGIN;
    return performance.now() - this.#watchedSince > limit;
  }

  /** Deletes the record. */
  delete(over: OAuthToken): Promise<boolean> {
    return this.#record.delete(over);
  }

  giveBackSlot(): void {
    if (this.#hasSlot) this.#options.slots.giveBack();
    this.#hasSlot = false;
  }

  async #takeSlot(): Promise<void> {
    if (this.#hasSlot) return;
    await this.#options.slots.take();
    this.#hasSlot = true;
  }

  /** Tries again while what the provider gave is not stored: there is no other copy (contract R8). */
  async #insisting<Result>(work: () => Promise<Result>): Promise<Result> {
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await work();
      } catch (error) {
        if (this.#unsaved === undefined) throw error;
        const pause = mayPass(error) ? this.#options.retryDelays[attempt] : undefined;
        if (pause === undefined) throw this.#notSaved(this.#unsaved, error);
        await delay(pause);
      }
    }
  }

  #notSaved(answer: OAuthToken, error: unknown): TokenNotSavedError {
    const { whose } = this.#options;
    const code = error instanceof Error && 'code' in error ? String(error.code) : undefined;
    return new TokenNotSavedError(whose, answer.with({ id: this.#record.id }), code);
  }

  /** A refresher that does not care for the time limit may still bring the only way on (contract R3). */
  #storeWhenItComes(request: ProviderRequest<object>, record: OAuthToken): void {
    request.given
      .then(async (given) => {
        const steps = new RecordSteps(record, this.#options);
        steps.#unsaved = asAnswer(given);
        await storeAnswer(steps, record, steps.#unsaved);
      })
      .catch((error: unknown) => {
        if (error instanceof TokenNotSavedError) this.#options.onNotSaved(error);
      });
  }
}

/** Whether a store's failure may be over the next time; one without a code of its own may, too. */
function mayPass(error: unknown): boolean {
  if (!(error instanceof Error) || !('code' in error)) return true;
  return error.code === 'STORAGE_FAILED' || ('retryable' in error && error.retryable === true);
}
