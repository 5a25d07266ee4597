import type {
  DocumentReference,
  DocumentSnapshot,
  Precondition,
  Timestamp,
} from '@google-cloud/firestore';
import type { StoredRecord } from '@tokenkeep/core';
import { recordInText } from '@tokenkeep/core/adapter';
import type { Entry } from '@tokenkeep/core/adapter/server';

/** A record's document. */
export interface FirestoreEntry extends Entry {
  readonly ref: DocumentReference;
  /** Another one if the document has changed. */
  readonly updateTime: Timestamp | undefined;
  /** The digests of its keys. */
  readonly keys: readonly string[];
}

/** @throws TokenStoreError `RECORD_CORRUPT` for a document that is no record */
export function entryIn(doc: DocumentSnapshot): FirestoreEntry {
  return {
    ref: doc.ref,
    updateTime: doc.updateTime,
    record: recordIn(doc),
    keys: textsIn(doc, 'keys'),
    sharedKeys: textsIn(doc, 'shared'),
    writeIds: textsIn(doc, 'writeIds'),
  };
}

/**
 * The record, from one field of text, so that one exemption keeps all of it out of the indexes.
 *
 * @throws TokenStoreError `RECORD_CORRUPT`
 */
export function recordIn(doc: DocumentSnapshot): StoredRecord {
  return recordInText(doc.get('record'), doc.id);
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
export function asRead({ updateTime }: Partial<FirestoreEntry> | DocumentSnapshot): Precondition {
  if (updateTime === undefined) throw new Error('the document was not read');
  return { lastUpdateTime: updateTime };
}
