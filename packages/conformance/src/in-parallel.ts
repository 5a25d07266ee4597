/** How many calls are on their way at once where it does not matter to a check. */
const WIDTH = 16;

/** Does the work for every item, some at a time. Stops at the first that fails. */
export async function inParallel<T>(
  items: readonly T[],
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const entries = items.entries();
  const lane = async (): Promise<void> => {
    for (const [index, item] of entries) await work(item, index);
  };
  // An iterator that is shared hands each item to one lane, and ends for all when one fails.
  await Promise.all(Array.from({ length: WIDTH }, lane));
}
