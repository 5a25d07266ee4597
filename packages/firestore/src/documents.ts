import type {
  DocumentReference,
  DocumentSnapshot,
  Precondition,
  Timestamp,
} from '@google-cloud/firestore';
import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt } from '@tokenkeep/core/adapter';
import type { Entry } from '@tokenkeep/core/adapter/server';

/** A record's document. */
export interface FirestoreEntry extends Entry, Holder {
  /** When it was read; `undefined` where it was written instead. */
  readonly readTime: Timestamp | undefined;
}

/** A record's document but for the record. */
export interface Holder {
  readonly ref: DocumentReference;
  /** Another one if the document has changed. */
  readonly updateTime: Timestamp;
  /** The digests of its keys. */
  readonly keys: readonly string[];
  /** Those that other records have, too, or had once. */
  readonly sharedKeys: readonly string[];
}

export function holderIn(doc: DocumentSnapshot): Holder {
  const { ref, updateTime } = doc;
  if (updateTime === undefined) throw new Error('the document does not exist');
  return { ref, updateTime, keys: textsIn(doc, 'keys'), sharedKeys: textsIn(doc, 'shared') };
}

/** @throws TokenStoreError `RECORD_CORRUPT` for a document that is no record */
export function entryIn(doc: DocumentSnapshot): FirestoreEntry {
  const writeIds = textsIn(doc, 'writeIds');
  return { ...holderIn(doc), record: recordIn(doc), writeIds, readTime: doc.readTime };
}

/**
 * The record, from one field of text, so that one exemption keeps all of it out of the indexes.
 *
 * @throws TokenStoreError `RECORD_CORRUPT`
 */
export function recordIn(doc: DocumentSnapshot): StoredRecord {
  const text: unknown = doc.get('record');
  if (typeof text !== 'string') throw recordCorrupt(doc.id, 'it is no record of this store');
  try {
    // The rest of the checks is done by `OAuthToken.fromRecord`.
    return JSON.parse(text);
  } catch {
    throw recordCorrupt(doc.id, 'it is not JSON');
  }
}

/** The version of the record; 0 for one that is damaged. */
export function versionIn(doc: DocumentSnapshot): number {
  try {
    return Number(recordIn(doc).version) || 0;
  } catch {
    return 0;
  }
}

export function textsIn(doc: DocumentSnapshot, field: string): string[] {
  const value: unknown = doc.get(field);
  return Array.isArray(value) ? value.map(String) : [];
}

/** The condition that a document is as it was read. */
export function asRead({
  updateTime,
}: {
  readonly updateTime?: Timestamp | undefined;
}): Precondition {
  if (updateTime === undefined) throw new Error('the document was not read');
  return { lastUpdateTime: updateTime };
}
