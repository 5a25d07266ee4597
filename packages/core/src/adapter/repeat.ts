import { TokenStoreError } from '../errors.ts';
import { STALE } from './stale.ts';

/** How long a save that loses every race is tried again: milliseconds. */
const MAX_CONTENTION = 30_000;

/**
 * Tries again until nothing was changed by others between reading and writing.
 *
 * @param maxContention how long: milliseconds, default 30,000
 * @throws TokenStoreError `CONTENTION`
 */
export async function repeatWhileStale<T>(
  attempt: () => Promise<T | typeof STALE>,
  maxContention: number = MAX_CONTENTION,
): Promise<T> {
  const end = performance.now() + maxContention;
  for (let attempts = 0; ; attempts += 1) {
    const result = await attempt();
    if (result !== STALE) return result;
    if (performance.now() > end) {
      throw new TokenStoreError(
        'CONTENTION',
        `Every attempt lost the race against other saves, for ${maxContention} ms. Try again later; nothing was changed.`,
      );
    }
    await pause(attempts);
  }
}

/** A random time, up to 4 ms at first and up to 256 ms in the end, so that losers do not meet again. */
async function pause(attempt: number): Promise<void> {
  const longest = 2 ** Math.min(attempt + 2, 8);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
}
