import type { OAuthToken } from '@tokenkeep/core';

/** How many tokens are kept in memory; the one that was put in first goes first. */
const MAX_TOKENS = 10_000;

interface Cached {
  readonly token: OAuthToken;
  readonly until: number;
}

/** Tokens that are given from memory for a while, by what they were asked for with. */
export class TokenCache {
  readonly #milliseconds: number;
  readonly #tokens = new Map<string, Cached>();

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  get isOff(): boolean {
    return this.#milliseconds === 0;
  }

  get(key: string): OAuthToken | undefined {
    const cached = this.#tokens.get(key);
    if (cached === undefined) return undefined;
    if (performance.now() < cached.until) return cached.token;
    this.#tokens.delete(key);
    return undefined;
  }

  set(key: string, token: OAuthToken): void {
    if (this.isOff) return;
    this.#tokens.delete(key);
    if (this.#tokens.size === MAX_TOKENS) {
      const [oldest = ''] = this.#tokens.keys();
      this.#tokens.delete(oldest);
    }
    this.#tokens.set(key, { token, until: performance.now() + this.#milliseconds });
  }

  /** Forgets a record, however it was asked for. */
  forget(id: string): void {
    for (const [key, { token }] of this.#tokens) {
      if (token.id === id) this.#tokens.delete(key);
    }
  }
}
