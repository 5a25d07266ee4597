import type { DocumentReference, DocumentSnapshot, Timestamp } from '@google-cloud/firestore';
import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt } from '@tokenkeep/core/adapter';
import { keyDigest } from '@tokenkeep/core/adapter/server';
import { keysOf } from '@tokenkeep/core/rules';

/** The digests of a record's keys: what it is looked up by. */
export function recordKeys(record: StoredRecord): string[] {
  return keysOf(record).map(keyDigest);
}

/** A record's document but for the record. */
export interface Holder {
  readonly ref: DocumentReference;
  /** The digests of its keys. */
  readonly keys: readonly string[];
  /** Those that other records have, too, or had once. */
  readonly shared: readonly string[];
  /** The save that wrote it last. */
  readonly writer: unknown;
  /** As the database tells it; another one if the document has changed. */
  readonly updateTime: Timestamp | undefined;
}

export function holderIn(doc: DocumentSnapshot): Holder {
  const digests = (field: string): string[] => {
    const value: unknown = doc.get(field);
    return Array.isArray(value) ? value.map(String) : [];
  };
  return {
    ref: doc.ref,
    keys: digests('keys'),
    shared: digests('shared'),
    writer: doc.get('writer'),
    updateTime: doc.updateTime,
  };
}

/** The keys that lead to this record and to no other: a record that joins it marks it. */
export function soleKeys({ keys, shared }: Holder): string[] {
  return keys.filter((digest) => !shared.includes(digest));
}

/**
 * The record itself, in one field, so that one exemption keeps all of it out of the indexes.
 * `extra` is text: Firestore nests 20 deep, and refuses some names.
 */
export function recordFields(record: StoredRecord): { record: Record<string, string | number> } {
  const fields: Record<string, string | number> = {};
  for (const [field, value] of Object.entries(record)) {
    if (value == null) continue;
    fields[field] = typeof value === 'object' ? JSON.stringify(value) : value;
  }
  return { record: fields };
}

/** @throws TokenStoreError `RECORD_CORRUPT` for a document that is no record */
export function storedRecord(doc: DocumentSnapshot): StoredRecord {
  const fields: unknown = doc.get('record');
  if (!isStored(fields)) throw recordCorrupt(doc.id, 'it is no record of this store');
  const { extra } = fields;
  if (extra == null) return fields;
  if (typeof extra !== 'string') throw recordCorrupt(fields.id, 'its extra is not text');
  try {
    return { ...fields, extra: JSON.parse(extra) };
  } catch {
    throw recordCorrupt(fields.id, 'its extra is not JSON');
  }
}

/** The rest of the checks is done by `OAuthToken.fromRecord`. */
function isStored(fields: unknown): fields is StoredRecord {
  return (
    typeof fields === 'object' && fields !== null && 'id' in fields && typeof fields.id === 'string'
  );
}
