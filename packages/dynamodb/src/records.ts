import { recordCorrupt } from '@tokenkeep/core/adapter';
import {
  type DynamodbEntry,
  type Head,
  headIn,
  type Item,
  partPlaces,
  placeName,
  recordIn,
  recordPlace,
} from './items.ts';
import type { Requests } from './requests.ts';

/**
 * Reads the records that there are of those; one in parts as it was at one moment.
 *
 * @param items what was read already
 * @param claims the guards of the claims that led to them
 */
export async function readRecords(
  requests: Requests,
  holders: readonly string[],
  items: ReadonlyMap<string, Item> = new Map(),
  claims: ReadonlyMap<string, string> = new Map(),
): Promise<DynamodbEntry[]> {
  const places = holders.map(recordPlace);
  const more = await requests.get(places.filter((place) => !items.has(placeName(place))));
  const entries: DynamodbEntry[] = [];
  for (const holder of holders) {
    const name = placeName(recordPlace(holder));
    let item = more.get(name) ?? items.get(name);
    while (item !== undefined) {
      const head = headIn(item);
      const parts = await readParts(requests, head);
      if (parts !== undefined) {
        entries.push({ ...head, record: recordIn(item, parts), claims });
        break;
      }
      // It was saved in between.
      item = await requests.getOne(recordPlace(holder));
      if (item !== undefined && headIn(item).guard === head.guard) {
        throw recordCorrupt(holder, 'a part of it is missing');
      }
    }
  }
  return entries;
}

/** @returns `undefined` where they are not all of the record's last save */
async function readParts(
  requests: Requests,
  { holder, parts, writeIds }: Head,
): Promise<Item[] | undefined> {
  if (parts === 0) return [];
  const places = partPlaces(holder, parts);
  const found = await requests.get(places);
  const items: Item[] = [];
  for (const place of places) {
    const item = found.get(placeName(place));
    if (item === undefined || item['writeId']?.S !== writeIds[0]) return undefined;
    items.push(item);
  }
  return items;
}
