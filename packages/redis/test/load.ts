import { setImmediate as nextTurn } from 'node:timers/promises';
import { OAuthToken } from '@tokenkeep/core';
import { expect } from 'vitest';
import type { RedisTokenStore } from '../src/index.ts';

/** What became of the saves of a load. */
export interface Tally {
  /** Users of whom a save was acknowledged. */
  readonly acknowledged: number;
  readonly found: number;
  /** Users whose record is missing, or older than the last save that was acknowledged. */
  readonly lost: number;
  /** Records too many, and records that were saved more often than they were asked to be. */
  readonly doubled: number;
}

/** Saves of 80 users, eight at a time, that go on whatever fails. */
export class Load {
  readonly #store: RedisTokenStore;
  readonly #prefix: string;
  readonly #acknowledged = new Map<string, number>();
  readonly #asked = new Map<string, number>();
  readonly #savers: readonly Promise<void>[];
  #isOver = false;
  #saves = 0;
  #failures = 0;

  /** @param prefix what the names of its users begin with */
  constructor(store: RedisTokenStore, prefix: string) {
    this.#store = store;
    this.#prefix = prefix;
    this.#savers = Array.from({ length: 8 }, (_, saver) => this.#keepSaving(saver));
  }

  get failures(): number {
    return this.#failures;
  }

  /** Waits until so many more saves were acknowledged. */
  async goOn(saves: number): Promise<void> {
    const least = this.#saves + saves;
    await expect.poll(() => this.#saves, { timeout: 60_000 }).toBeGreaterThanOrEqual(least);
  }

  /** Ends the load and counts. */
  async tally(): Promise<Tally> {
    this.#isOver = true;
    await Promise.all(this.#savers);
    const mine = (await this.#store.getTokens()).filter((token) =>
      token.userSignature?.name.startsWith(this.#prefix),
    );
    const found = new Map(
      mine.map((token) => [token.userSignature?.name ?? '', token.version ?? 0]),
    );
    const isLost = ([name, version]: [string, number]) => (found.get(name) ?? 0) < version;
    const isDoubled = ([name, version]: [string, number]) => version > (this.#asked.get(name) ?? 0);
    return {
      acknowledged: this.#acknowledged.size,
      found: found.size,
      lost: [...this.#acknowledged].filter(isLost).length,
      doubled: mine.length - found.size + [...found].filter(isDoubled).length,
    };
  }

  async #keepSaving(saver: number): Promise<void> {
    for (let n = 0; !this.#isOver; n += 1) {
      const name = `${this.#prefix}${saver}-${n % 10}`;
      this.#asked.set(name, (this.#asked.get(name) ?? 0) + 1);
      const token = new OAuthToken({
        userSignature: { name },
        refreshToken: `1000.${name}`,
        accessToken: `1000.${name}.${n}`,
      });
      try {
        const { version = 0 } = await this.#store.saveToken(token);
        this.#acknowledged.set(name, version);
        this.#saves += 1;
      } catch {
        this.#failures += 1;
        await nextTurn();
      }
    }
  }
}

/** One line for the report of a test run. */
export function tallyLine({ acknowledged, found, lost, doubled }: Tally): string {
  return `acknowledged ${acknowledged} users, found ${found}, lost ${lost}, doubled ${doubled}`;
}
