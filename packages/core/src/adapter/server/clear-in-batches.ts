import { setTimeout as wait } from 'node:timers/promises';
import { TokenStoreError } from '../../errors.ts';

/** How {@link clearInBatches} removes rows that have a position. */
export interface Batches {
  /** How long to wait for rows that others have locked: milliseconds. */
  readonly timeout: number;
  /**
   * Removes some rows after a position that nobody has locked.
   *
   * @returns the position of the last of them; `undefined` where none was to be had
   */
  remove(after: number): Promise<number | undefined>;
  isEmpty(): Promise<boolean>;
}

/**
 * Removes rows in batches, so that others do not wait long. Those that are locked are left for
 * later: a statement that waits for a lock may delete after the caller was told that it failed.
 *
 * @throws TokenStoreError `TIMEOUT` where others hold rows locked all the time
 */
export async function clearInBatches({ timeout, remove, isEmpty }: Batches): Promise<void> {
  let end = performance.now() + timeout;
  for (let after = 0; ; ) {
    const last = await remove(after);
    if (last !== undefined) {
      after = last;
      end = performance.now() + timeout;
      continue;
    }
    if (await isEmpty()) return;
    if (performance.now() > end) {
      throw new TokenStoreError(
        'TIMEOUT',
        `Some records were locked by others for ${timeout} ms. Those that were not removed stay; call it again to remove them.`,
      );
    }
    after = 0;
    await wait(10);
  }
}
