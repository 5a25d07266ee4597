import type { OAuthToken } from '@tokenkeep/core';
import { isPlainWho, type Who, type WhoFields } from './who.ts';

/** How many users' tokens are kept in memory; whoever was put in first goes first. */
const MAX_USERS = 10_000;

interface Cached {
  readonly who: WhoFields;
  readonly token: OAuthToken;
  readonly until: number;
}

/** Tokens that are given from memory for a while, by what they were asked for with. */
export class TokenCache {
  readonly #milliseconds: number;
  /** By the name, or else the id: nothing has to be put together to look one up. */
  readonly #byName = new Map<string, readonly Cached[]>();

  constructor(milliseconds: number) {
    this.#milliseconds = milliseconds;
  }

  get(who: Who): OAuthToken | undefined {
    if (this.#milliseconds === 0 || !isPlainWho(who)) return undefined;
    const cached = this.#byName.get(nameOf(who))?.find((one) => isSame(one.who, who));
    return cached !== undefined && performance.now() < cached.until ? cached.token : undefined;
  }

  set(who: Who, token: OAuthToken): void {
    if (this.#milliseconds === 0 || !isPlainWho(who)) return;
    const now = performance.now();
    const name = nameOf(who);
    const others = this.#byName.get(name)?.filter((one) => !isSame(one.who, who)) ?? [];
    this.#byName.delete(name);
    if (this.#byName.size === MAX_USERS) {
      const [oldest = ''] = this.#byName.keys();
      this.#byName.delete(oldest);
    }
    this.#byName.set(name, [
      ...others.filter(({ until }) => now < until),
      { who: { ...who }, token, until: now + this.#milliseconds },
    ]);
  }

  /** Forgets a record, however it was asked for. */
  forget(id: string): void {
    for (const [name, all] of this.#byName) {
      const others = all.filter(({ token }) => token.id !== id);
      if (others.length < all.length) this.#byName.set(name, others);
    }
  }
}

function nameOf({ userName, id }: WhoFields): string {
  return userName ?? id ?? '';
}

function isSame(one: WhoFields, other: WhoFields): boolean {
  return (
    one.userName === other.userName &&
    one.id === other.id &&
    one.clientId === other.clientId &&
    one.issuer === other.issuer &&
    one.resource === other.resource
  );
}
