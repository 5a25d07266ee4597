import { hash } from 'node:crypto';
import { TokenStoreError } from './errors.ts';
import type { TokenKey } from './matching.ts';
import type { StoredRecord } from './oauth-token.ts';
import type { RecordChange } from './save-plan.ts';
import type { Decide } from './token-storage.ts';

/** How an {@link OptimisticSaver} reads and writes. */
export interface ReadAndWrite<Candidates extends readonly StoredRecord[]> {
  /** Every record that has the value of at least one of the keys, and what is needed to write. */
  read(): Promise<Candidates>;
  /**
   * Writes in one step if what was read is still true.
   *
   * @returns whether it was; `false` means that nothing was written
   */
  write(change: RecordChange, candidates: Candidates): Promise<boolean>;
}

/**
 * Saves on a storage that can compare and set but not lock: reads, decides, writes if nothing
 * changed meanwhile, and starts again if it did.
 */
export class OptimisticSaver {
  readonly #patience: number;
  readonly #lastInLine = new Map<string, Turn>();

  /** @param patience how long to try: milliseconds, default 30,000 */
  constructor(patience = 30_000) {
    this.#patience = patience;
  }

  /** @throws TokenStoreError `CONTENTION` when others were faster all the time */
  save<Candidates extends readonly StoredRecord[]>(
    keys: readonly TokenKey[],
    decide: Decide,
    storage: ReadAndWrite<Candidates>,
  ): Promise<void> {
    return this.repeat(keys, async () => {
      const candidates = await storage.read();
      const change = decide(candidates);
      return change === null || storage.write(change, candidates);
    });
  }

  /**
   * The same for a storage that reads and writes in one piece.
   *
   * @param attempt whether what was read was still true when it wrote; `false`: nothing was written
   * @throws TokenStoreError `CONTENTION` when others were faster all the time
   */
  async repeat(keys: readonly TokenKey[], attempt: () => Promise<boolean>): Promise<void> {
    // Saves of one process wait for each other, so that only other processes are raced against.
    const turn = new Turn();
    const before = this.#enterLine(keys, turn);
    if (before.length > 0) await Promise.all(before);
    try {
      const end = performance.now() + this.#patience;
      for (let attempts = 0; !(await attempt()); attempts += 1) {
        if (performance.now() > end) {
          throw new TokenStoreError(
            'CONTENTION',
            `Other saves of the same token were faster for ${this.#patience} ms. Try again later; nothing was changed.`,
            { retryable: true },
          );
        }
        await pause(attempts);
      }
    } finally {
      this.#leaveLine(keys, turn);
    }
  }

  /**
   * By the values alone: where two fields have the same, a save waits in vain, and does no harm.
   *
   * @returns what to wait for
   */
  #enterLine(keys: readonly TokenKey[], turn: Turn): Promise<void>[] {
    const before: Promise<void>[] = [];
    for (const { value } of keys) {
      const last = this.#lastInLine.get(value);
      if (last === turn) continue;
      if (last !== undefined) before.push(last.over());
      this.#lastInLine.set(value, turn);
    }
    return before;
  }

  #leaveLine(keys: readonly TokenKey[], turn: Turn): void {
    for (const { value } of keys) {
      if (this.#lastInLine.get(value) === turn) this.#lastInLine.delete(value);
    }
    turn.end();
  }
}

/** A save's turn. Most have nobody waiting for them, and make no promise. */
class Turn {
  #over: PromiseWithResolvers<void> | undefined;

  over(): Promise<void> {
    this.#over ??= Promise.withResolvers();
    return this.#over.promise;
  }

  end(): void {
    this.#over?.resolve();
  }
}

/** A random time, up to 4 ms at first and up to 256 ms in the end, so that losers do not meet again. */
async function pause(attempt: number): Promise<void> {
  const longest = 2 ** Math.min(attempt + 2, 8);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
}

/**
 * A key as 64 lower-case hexadecimal digits, for storages that can not index a value of 64 KiB.
 * Equal for the same field and value only.
 */
export function keyDigest(key: TokenKey): string {
  return hash('sha256', `${key.field}\0${key.value}`);
}
