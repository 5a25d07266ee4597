import type { DigestedKey, Snapshot } from '@tokenkeep/core/adapter/server';
import {
  type Claim,
  claimIn,
  claimPlace,
  type DynamodbEntry,
  type Item,
  placeName,
  recordPlace,
} from './items.ts';
import { readRecords } from './records.ts';
import type { Requests } from './requests.ts';
import { deletedVersionIn, STORE } from './store-item.ts';

/** Reads every record that has one of the keys, by way of the claims. */
export async function readSnapshot(
  requests: Requests,
  keys: readonly DigestedKey[],
): Promise<Snapshot<DynamodbEntry>> {
  const places = keys.map(({ field, digest }) => (field === 'id' ? STORE : claimPlace(digest)));
  let holders: string[] = [];
  let before: string | undefined;
  for (;;) {
    const items = await requests.get([...places, ...holders.map(recordPlace)]);
    const claims = claimsOf(keys, items);
    holders = [...new Set([...claims.values()].flatMap((claim) => claim.holders))];
    const entries = await readRecords(requests, holders, items, guardsOf(claims));
    const deletedVersion = deletedVersionIn(items.get(placeName(STORE)));
    // One item tells that nobody has a key. A holder that is gone may have left it to another since.
    const isOneItem = keys.length === 1 && (keys[0]?.field === 'id' || holders.length === 0);
    if (isOneItem && entries.length === 0) return { entries, deletedVersion };
    if (isSole(entries, keys)) return { entries, deletedVersion };
    // Items are not read all at one moment: what is the same twice was so in between.
    const now = JSON.stringify([[...claims], entries.map(({ guard }) => guard)]);
    if (now === before) return { entries, deletedVersion };
    before = now;
  }
}

/** Whether there is one record, which has all the keys and no other has one of them. */
export function isSole(entries: readonly DynamodbEntry[], keys: readonly DigestedKey[]): boolean {
  const [entry] = entries;
  return (
    entries.length === 1 &&
    entry !== undefined &&
    keys.every(({ digest }) => entry.keys.includes(digest) && !entry.sharedKeys.includes(digest))
  );
}

/** Who has the keys; an id has its record, whether that is there or not. */
function claimsOf(
  keys: readonly DigestedKey[],
  items: ReadonlyMap<string, Item>,
): Map<string, Claim> {
  return new Map(
    keys.map(({ field, digest }): [string, Claim] => [
      digest,
      field === 'id'
        ? { holders: [digest], guard: undefined }
        : claimIn(items.get(placeName(claimPlace(digest)))),
    ]),
  );
}

function guardsOf(claims: ReadonlyMap<string, Claim>): Map<string, string> {
  const guards = new Map<string, string>();
  for (const [digest, { guard }] of claims) if (guard !== undefined) guards.set(digest, guard);
  return guards;
}
