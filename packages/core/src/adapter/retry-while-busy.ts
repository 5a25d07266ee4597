import type { MaybePromise } from './token-storage.ts';

/**
 * Tries until nobody else holds what is wanted, such as a lock of another process.
 *
 * @param isBusy whether waiting helps against an error
 * @param timeout how long to wait: milliseconds. Then the last error is thrown
 */
export async function retryWhileBusy<T>(
  attempt: () => MaybePromise<T>,
  isBusy: (error: unknown) => boolean,
  timeout: number,
): Promise<T> {
  const end = performance.now() + timeout;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= end) throw error;
    }
    // A random time, so that those who wait do not all come back at once.
    await new Promise((resolve) => setTimeout(resolve, 1 + Math.random() * 4));
  }
}
