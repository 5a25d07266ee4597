import { setImmediate as nextTurn } from 'node:timers/promises';
import { OAuthToken, type TokenStore } from '@tokenkeep/core';
import { until } from '@tokenkeep/test-servers';

/** What is left of saves that were acknowledged: numbers of users. */
export interface Survivors {
  readonly acknowledged: number;
  readonly found: number;
  /** Whose record is gone, or older than what was acknowledged last. */
  readonly lost: number;
  /** How many records there are beside those of the users. */
  readonly doubled: number;
}

const SAVERS = 8;
const USERS_EACH = 10;

/**
 * Saves for many users, over and over, while something happens to the server, and for as long again
 * afterwards. Saves that fail are left; they were not acknowledged.
 *
 * @param disturb may call `onlyUntilNow`, where a server can't promise more: then what is
 *   acknowledged after that need not be found
 */
export async function saveDuring(
  store: TokenStore,
  disturb: (onlyUntilNow: () => void) => Promise<void>,
): Promise<Survivors> {
  const acknowledged = new Map<string, number>();
  let promised: ReadonlyMap<string, number> = acknowledged;
  const count = (): number => [...acknowledged.values()].reduce((sum, one) => sum + one, 0);
  let running = true;
  const savers = Array.from({ length: SAVERS }, async (_, saver) => {
    for (let n = 0; running; n += 1) {
      const name = `user-${saver}-${n % USERS_EACH}`;
      const token = new OAuthToken({
        userSignature: { name },
        refreshToken: `1000.${name}`,
        accessToken: `${name}-${n}`,
      });
      const saved = await store.saveToken(token).catch(() => undefined);
      // Without versions, once is all that can be said.
      if (saved === undefined) await nextTurn();
      else acknowledged.set(name, Math.max(saved.version ?? 1, acknowledged.get(name) ?? 0));
    }
  });
  try {
    await until('most users were saved', async () => acknowledged.size > SAVERS * USERS_EACH * 0.5);
    await disturb(() => {
      promised = new Map(acknowledged);
    });
    const before = count();
    await until('the store saves again', async () => count() > before, 60_000);
  } finally {
    running = false;
    await Promise.all(savers);
  }
  const tokens = await store.getTokens();
  const found = new Map(tokens.map((token) => [token.userSignature?.name, token.version ?? 1]));
  const lost = [...promised].filter(([name, version]) => (found.get(name) ?? 0) < version);
  return {
    acknowledged: promised.size,
    found: found.size,
    lost: lost.length,
    doubled: tokens.length - found.size,
  };
}

/** On one line. */
export function describeSurvivors({ acknowledged, found, lost, doubled }: Survivors): string {
  return `acknowledged: ${acknowledged} users, found: ${found}, lost: ${lost}, doubled: ${doubled}`;
}
