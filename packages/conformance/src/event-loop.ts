import { performance } from 'node:perf_hooks';

/** How often the event loop is looked at: milliseconds. */
const BEAT = 5;

/** Does work, and tells the longest time for which the event loop stood still meanwhile: milliseconds. */
export async function longestStop(work: () => Promise<unknown>): Promise<number> {
  let last = performance.now();
  let longest = 0;
  const beat = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last - BEAT);
    last = now;
  };
  const timer = setInterval(beat, BEAT);
  try {
    await work();
    // Where the work ends with a stop, that is seen only after it.
    await new Promise((resolve) => setTimeout(resolve, 2 * BEAT));
    beat();
  } finally {
    clearInterval(timer);
  }
  return longest;
}
