import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import type {
  DocumentReference,
  DocumentSnapshot,
  Precondition,
  Timestamp,
} from '@google-cloud/firestore';
import type { StoredRecord } from '@tokenkeep/core';
import { recordInText } from '@tokenkeep/core/adapter';
import type { Entry } from '@tokenkeep/core/adapter/server';

/**
 * The longest text that is kept as it is: bytes. A document takes 1 MiB. That is enough for every
 * field at its longest, but not where JSON escapes much of it: up to six characters for one byte.
 */
const MAX_TEXT = 1_000_000;
const compressed = promisify(gzip);

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

/** A record's JSON in one field, so that one exemption keeps all of it out of the indexes. */
export async function asField(text: string): Promise<string | Uint8Array> {
  return Buffer.byteLength(text) <= MAX_TEXT ? text : compressed(text);
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
export function recordIn(doc: DocumentSnapshot): StoredRecord {
  const field: unknown = doc.get('record');
  return recordInText(field instanceof Uint8Array ? textIn(field) : field, doc.id);
}

/** @returns nothing where it is not compressed text: what is damaged is told by `recordInText` */
function textIn(bytes: Uint8Array): string | undefined {
  try {
    return gunzipSync(bytes).toString();
  } catch {
    return undefined;
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
export function asRead({ updateTime }: Partial<FirestoreEntry> | DocumentSnapshot): Precondition {
  if (updateTime === undefined) throw new Error('the document was not read');
  return { lastUpdateTime: updateTime };
}
