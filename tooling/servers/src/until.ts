import { setTimeout as wait } from 'node:timers/promises';

/**
 * Asks again and again until the answer is true. To throw means not yet, too.
 *
 * @throws Error after `timeoutMs`, saying what was waited for.
 */
export async function until(
  what: string,
  isSo: () => Promise<boolean>,
  timeoutMs = 30_000,
): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  let lastError: unknown;
  while (performance.now() < deadline) {
    try {
      if (await isSo()) return;
      lastError = undefined;
    } catch (error) {
      lastError = error;
    }
    await wait(20);
  }
  throw new Error(`Waited ${timeoutMs} ms in vain until ${what}.`, { cause: lastError });
}
