import { OAuthToken, type TokenStore } from '@tokenkeep/core';
import type { TokenStoreDefinition } from './definition.ts';
import type { Pace } from './settings.ts';

/** How many calls are measured: the first of them opens the store. */
const CALLS = 8;
/** How long a call takes on a local disk, at most: milliseconds. */
const USUAL = 2;
/** How long all of them may take: milliseconds. */
const LIMIT = 10_000;
/** With more than that it would be given up on too late. */
const MAX_PACE = 100;

/** The pace that a definition declares, or else the one that the first calls of a store show. */
export async function paceOf(definition: TokenStoreDefinition, store: TokenStore): Promise<Pace> {
  if (definition.pace !== undefined) {
    const { pace } = definition;
    return pace === 1
      ? { factor: 1 }
      : { factor: pace, note: `pace ${pace}, as the definition says` };
  }
  const took = await timePerCall(store);
  const factor = Math.min(MAX_PACE, Math.max(1, Math.round(took / USUAL)));
  if (factor === 1) return { factor };
  const note = `pace ${factor}, as a call takes ${Math.round(took)} ms: limits are as many times longer, and some checks are tried less often. \`pace: ${factor}\` in the definition, or \`static pace = ${factor}\` in the class, says the same; --intensity quick takes a tenth of the time`;
  return { factor, note };
}

/** How long a call takes in the middle: milliseconds. What goes wrong here is found by a check. */
async function timePerCall(store: TokenStore): Promise<number> {
  const times: number[] = [];
  const id = `pace-${crypto.randomUUID()}`;
  const token = new OAuthToken({ id, refreshToken: id });
  const calls = [
    () => store.saveToken(token),
    () => store.findToken(token),
    () => store.findTokenById(id),
  ];
  // One that does not settle is found by a check, which says so.
  const gaveUp = new Promise<never>((_resolve, reject) => {
    setTimeout(reject, LIMIT, new Error('too slow')).unref();
  });
  gaveUp.catch(() => undefined);
  for (let count = 0; count < CALLS; count += 1) {
    const started = performance.now();
    try {
      await Promise.race([calls[count % calls.length]?.(), gaveUp]);
    } catch {
      return 0;
    }
    if (count > 0) times.push(performance.now() - started);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}
