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

/** What was read before, with the same request as claims. */
export interface AlreadyRead {
  /** The records among them. */
  readonly known: readonly string[];
  readonly items: ReadonlyMap<string, Item>;
  /** Guards of the claims. */
  readonly claims: ReadonlyMap<string, string>;
}

/** Reads the records that there are of those; one in parts as it was at one moment. */
export async function readRecords(
  requests: Requests,
  holders: readonly string[],
  { known = [], items = new Map(), claims = new Map() }: Partial<AlreadyRead> = {},
): Promise<DynamodbEntry[]> {
  const unknown = holders.filter((holder) => !known.includes(holder));
  const more = await requests.get(unknown.map(recordPlace));
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
