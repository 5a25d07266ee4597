import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { AttributeValue } from '@aws-sdk/client-dynamodb';
import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt, recordInText } from '@tokenkeep/core/adapter';
import type { Entry } from '@tokenkeep/core/adapter/server';

export type Item = Record<string, AttributeValue>;

/** The name of an item: its partition key and its sort key. */
export type Place = readonly [pk: string, sk: number];

/** An item takes 400 KB: this much of the record, and its keys beside it. */
const MAX_RECORD_BYTES = 300_000;

/** A record's item but for the record. */
export interface Head {
  /** The digest of the id. */
  readonly holder: string;
  /** Another one if the item has changed. */
  readonly guard: string;
  /** The digests of its keys. */
  readonly keys: readonly string[];
  /** Those that other records have, too, or had once. */
  readonly sharedKeys: readonly string[];
  /** Its place in the order. */
  readonly number: number;
  readonly version: number;
  readonly writeIds: readonly string[];
  /** How many further items the record is in; 0 if it is in the item itself. */
  readonly parts: number;
}

export interface DynamodbEntry extends Entry, Head {
  /** The guards of the claims of shared keys by which it was read. */
  readonly claims: ReadonlyMap<string, string>;
}

/** What makes one of a value: who has it, and, once several had it, what changes with each of them. */
export interface Claim {
  readonly holders: readonly string[];
  readonly guard: string | undefined;
}

export function keyOf([pk, sk]: Place): Item {
  return { pk: { S: pk }, sk: { N: `${sk}` } };
}

/** Of a place, as a key of maps. */
export function placeName([pk, sk]: Place): string {
  return `${pk}/${sk}`;
}

export const recordPlace = (holder: string): Place => [`record:${holder}`, 0];
export const claimPlace = (digest: string): Place => [`claim:${digest}`, 0];

/** Places of the parts of a record. */
export function partPlaces(holder: string, parts: number): Place[] {
  return Array.from({ length: parts }, (_, index) => [`record:${holder}`, index + 1]);
}

export function headIn(item: Item): Head {
  return {
    holder: item['pk']?.S?.slice('record:'.length) ?? '',
    guard: item['guard']?.S ?? '',
    keys: item['keys']?.SS ?? [],
    sharedKeys: item['sharedKeys']?.SS ?? [],
    number: numberIn(item, 'number'),
    version: numberIn(item, 'version'),
    writeIds: item['writeIds']?.S?.split(' ') ?? [],
    parts: numberIn(item, 'parts'),
  };
}

export function claimIn(item: Item | undefined): Claim {
  return { holders: item?.['holders']?.SS ?? [], guard: item?.['guard']?.S };
}

export function numberIn(item: Item | undefined, name: string): number {
  return Number(item?.[name]?.N ?? 0);
}

/** An item's record as it is written: in it, or, where it is too long, in parts beside it. */
export function textItems(record: StoredRecord, writeId: string): { main: Item; parts: Item[] } {
  const text = JSON.stringify(record);
  if (Buffer.byteLength(text) <= MAX_RECORD_BYTES)
    return { main: { record: { S: text } }, parts: [] };
  // Text of control characters is six times as long as JSON, and a transaction takes 4 MB.
  const bytes = deflateRawSync(text);
  const parts: Item[] = [];
  for (let start = 0; start < bytes.length; start += MAX_RECORD_BYTES) {
    const B = bytes.subarray(start, start + MAX_RECORD_BYTES);
    parts.push({ bytes: { B }, writeId: { S: writeId } });
  }
  return { main: { parts: { N: `${parts.length}` } }, parts };
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
export function recordIn(item: Item, parts: readonly Item[]): StoredRecord {
  const { holder } = headIn(item);
  if (parts.length === 0) return recordInText(item['record']?.S, holder);
  const bytes = Buffer.concat(parts.map((part) => part['bytes']?.B ?? new Uint8Array()));
  let text: Buffer;
  try {
    text = inflateRawSync(bytes);
  } catch {
    throw recordCorrupt(holder, 'it can not be unpacked');
  }
  return recordInText(text, holder);
}

/** The attributes of a record's item but for the record. */
export function headAttributes(head: Omit<Head, 'holder' | 'parts'>): Item {
  const { guard, keys, sharedKeys, number, version, writeIds } = head;
  return {
    guard: { S: guard },
    keys: { SS: [...keys] },
    ...(sharedKeys.length > 0 && { sharedKeys: { SS: [...sharedKeys] } }),
    number: { N: `${number}` },
    version: { N: `${version}` },
    // In their order, which a set would not keep; a list takes longer to read.
    writeIds: { S: writeIds.join(' ') },
  };
}
