import type {
  DocumentReference,
  DocumentSnapshot,
  QueryDocumentSnapshot,
  Timestamp,
} from '@google-cloud/firestore';
import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt } from '@tokenkeep/core/adapter';
import type { Entry } from '@tokenkeep/core/adapter/server';

/** A record's document. */
export interface FirestoreEntry extends Entry, Holder {}

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
  return { ...holderIn(doc), record: recordIn(doc), writeIds: textsIn(doc, 'writeIds') };
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

/** Whether this version has never seen the document: the former one stored no `created`. */
export function isFormer(doc: DocumentSnapshot): boolean {
  return doc.get('created') === undefined;
}

/** The fields of a document of the former version as they are now; a damaged record stays as it is. */
export function migratedFields(doc: QueryDocumentSnapshot): Record<string, unknown> {
  // Text where there was a map: the former version takes it for damaged, and does not write over it.
  const record: unknown = doc.get('record');
  const created = doc.createTime;
  const writeIds = [String(doc.get('writer'))];
  try {
    if (typeof record !== 'object' || record === null) return { created, writeIds };
    const extra = 'extra' in record ? { extra: JSON.parse(String(record.extra)) } : {};
    // A client of somebody else may give whole numbers as BigInt, which JSON does not have.
    const text = JSON.stringify({ ...record, ...extra }, (_name, value) =>
      typeof value === 'bigint' ? Number(value) : value,
    );
    return { created, writeIds, record: text };
  } catch {
    return { created, writeIds };
  }
}

function textsIn(doc: DocumentSnapshot, field: string): string[] {
  const value: unknown = doc.get(field);
  return Array.isArray(value) ? value.map(String) : [];
}
