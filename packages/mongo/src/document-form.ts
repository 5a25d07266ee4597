import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt } from '@tokenkeep/core/adapter';
import type { FoundDocument } from './collection.ts';
import type { StoreDocument } from './documents.ts';

/** A record as it is stored: without what is absent, and `extra` as text, as it may have names that a document of MongoDB can not have. */
export function toStored({ extra, ...fields }: StoredRecord): object {
  const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
  return extra == null ? present : { ...present, extra: JSON.stringify(extra) };
}

/** The record that is stored; `undefined` if it is damaged. */
export function recordIn(stored: unknown): StoredRecord | undefined {
  if (typeof stored !== 'object' || stored === null) return undefined;
  const { id, version, extra } = stored as Record<string, unknown>;
  if (typeof id !== 'string' || typeof version !== 'number') return undefined;
  return { ...stored, id, version, ...(extra !== undefined && { extra: parsed(extra) }) };
}

/** @throws TokenStoreError `RECORD_CORRUPT` where the document itself is damaged, and not only its record */
export function checkDocument(found: FoundDocument): StoreDocument {
  const { _id, kind, revision, order } = found;
  const lists = [found['keys'], found['claims'], found['shared']];
  const isWhole =
    typeof _id === 'string' && typeof revision === 'number' && lists.every(Array.isArray);
  const isKnown =
    kind === 'token' ? typeof order === 'number' : kind === 'keeper' || kind === 'intent';
  if (isWhole && isKnown) return found as unknown as StoreDocument;
  throw recordCorrupt(undefined, 'a document of the collection has not the fields that it should');
}

/** What is no JSON stays as it is: no token can be made of it, but the record can be deleted. */
function parsed(extra: unknown): StoredRecord['extra'] {
  try {
    return JSON.parse(String(extra));
  } catch {
    return extra as StoredRecord['extra'];
  }
}
