import { STALE } from '@tokenkeep/core/adapter/server';
import { claimIn, claimPlace, placeName } from './items.ts';
import type { Requests } from './requests.ts';
import { isGuardedBy, type Transaction } from './transaction.ts';

/** What of claims of shared keys is as it was read, and what changes. */
export interface SharedChange {
  /** The keys that any of the records has which are changed. */
  readonly digests: Iterable<string>;
  /** The guards as they were read: they must still be so. */
  readonly asRead?: ReadonlyMap<string, string> | undefined;
  readonly holdersLeave: readonly string[];
  /** Who has the keys from now on. */
  readonly joins?: { readonly holder: string; readonly keys: readonly string[] };
}

/** Changes the claims of shared keys, as their records change. */
export async function changeShared(
  requests: Requests,
  transaction: Transaction,
  { digests, asRead, holdersLeave, joins }: SharedChange,
): Promise<undefined | typeof STALE> {
  const places = [...digests].map(claimPlace);
  const items = await requests.get(places);
  for (const digest of digests) {
    const place = claimPlace(digest);
    const { holders, guard } = claimIn(items.get(placeName(place)));
    const guardRead = asRead?.get(digest);
    if (guardRead !== undefined && guardRead !== guard) return STALE;
    const left = new Set(holders);
    for (const holder of holdersLeave) left.delete(holder);
    if (joins?.keys.includes(digest)) left.add(joins.holder);
    const claim = { holders: { SS: [...left] }, guard: { S: transaction.token } };
    if (left.size === 0) transaction.delete(place, isGuardedBy(guard));
    else transaction.put(place, claim, isGuardedBy(guard));
  }
}
