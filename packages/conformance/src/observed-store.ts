import type { DeleteOptions, OAuthToken, SaveOptions, TokenStore } from '@tokenkeep/core';
import type { Journal } from './journal.ts';
import { PromiseBroken, SLOW } from './promise-broken.ts';

/** What an {@link ObservedStore} tells, and how long it waits. */
export interface Observer {
  readonly journal: Journal;
  /** Told of every rejection, whatever the check makes of it. */
  rejected(method: string, error: unknown): void;
  /** How long a call may take: milliseconds. */
  callLimit(): number;
  /** Whether the check has ended: what it left running makes no more calls. */
  readonly isOver: boolean;
  /** Told of a call that took longer. */
  hung(method: string): void;
}

/**
 * A store under test, with every call written down, given up on when it does not settle, and every
 * failure looked at.
 */
export class ObservedStore implements TokenStore {
  /** The store as the definition opened it. */
  readonly raw: TokenStore;
  /** Whether it was told to close. */
  isClosed = false;
  readonly #name: string;
  readonly #observer: Observer;

  constructor(raw: TokenStore, name: string, observer: Observer) {
    this.raw = raw;
    this.#name = name;
    this.#observer = observer;
  }

  findToken(token: OAuthToken): Promise<OAuthToken | null> {
    return this.#observe('findToken', [token], () => this.raw.findToken(token));
  }

  findTokenById(id: string): Promise<OAuthToken | null> {
    return this.#observe('findTokenById', [id], () => this.raw.findTokenById(id));
  }

  saveToken(token: OAuthToken, options?: SaveOptions): Promise<OAuthToken> {
    return options === undefined
      ? this.#observe('saveToken', [token], () => this.raw.saveToken(token))
      : this.#observe('saveToken', [token, options], () => this.raw.saveToken(token, options));
  }

  deleteToken(id: string, options?: DeleteOptions): Promise<void> {
    return options === undefined
      ? this.#observe('deleteToken', [id], () => this.raw.deleteToken(id))
      : this.#observe('deleteToken', [id, options], () => this.raw.deleteToken(id, options));
  }

  getTokens(): Promise<OAuthToken[]> {
    return this.#observe('getTokens', [], () => this.raw.getTokens());
  }

  /** Each step of the iteration is observed as a call: what it gives is written down as one. */
  async *tokens(): AsyncGenerator<OAuthToken, void, undefined> {
    const { raw } = this;
    if (typeof raw.tokens !== 'function') {
      throw new PromiseBroken('a method tokens', 'the store has none');
    }
    const iterator = raw.tokens()[Symbol.asyncIterator]();
    let isOver = false;
    try {
      for (;;) {
        const step = await this.#observe('tokens', [], async () => {
          const { done, value } = await iterator.next();
          return done === true ? undefined : value;
        });
        isOver = step === undefined;
        if (isOver || step === undefined) return;
        yield step;
      }
    } finally {
      // Who breaks off says so, as `for await` does.
      if (!isOver) await this.#observe('tokens', ['return'], async () => iterator.return?.());
    }
  }

  deleteTokens(): Promise<void> {
    return this.#observe('deleteTokens', [], () => this.raw.deleteTokens());
  }

  close(): Promise<void> {
    this.isClosed = true;
    return this.#observe('close', [], () => this.raw.close());
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.isClosed = true;
    return this.#observe('[Symbol.asyncDispose]', [], async () => {
      await this.raw[Symbol.asyncDispose]();
    });
  }

  /** Calls a method with arguments that its type does not allow: what a caller in JavaScript may do. */
  call(method: keyof TokenStore & string, ...args: unknown[]): Promise<unknown> {
    return this.#observe(method, args, () => {
      const work: unknown = Reflect.get(this.raw, method);
      if (typeof work !== 'function') {
        throw new PromiseBroken(`a method ${method}`, `the store has none`);
      }
      return Reflect.apply(work, this.raw, args);
    });
  }

  async #observe<T>(method: string, args: unknown[], work: () => Promise<T> | T): Promise<T> {
    if (this.#observer.isOver) throw new PromiseBroken('no call after the check', 'there was one');
    const entry = this.#observer.journal.add(this.#name, method, args);
    const limit = this.#observer.callLimit();
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        this.#observer.hung(method);
        reject(
          new PromiseBroken(`${method} to settle`, `it had not after ${limit} ms (C14)`, {
            hint: SLOW,
            cause: 'time ran out',
          }),
        );
      }, limit);
    });
    try {
      const value = await Promise.race([work(), tooLong]);
      entry.outcome = { value };
      return value;
    } catch (error) {
      if (!(error instanceof PromiseBroken)) {
        entry.outcome = { error };
        this.#observer.rejected(method, error);
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }
}
