import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt } from '@tokenkeep/core/adapter';
import type { FoundDocument } from './collection.ts';
import type { HoldingDocument, IntentDocument, StoreDocument } from './documents.ts';

/** A document as it is written. */
export function toMongo(document: StoreDocument): object {
  const { _id, claims, ...fields } = document;
  return {
    _id,
    ...fields,
    // The index takes no claims for a claim, which one document only may have.
    claims: claims.length === 0 ? [_id] : claims,
    ...(document.kind === 'token' && { record: document.record && toMongoRecord(document.record) }),
    ...(document.kind === 'intent' && { changes: document.changes.map(toMongoChange) }),
  };
}

export function toMongoRecord({ extra, ...fields }: StoredRecord): object {
  const present = Object.entries(fields).filter(([, value]) => value != null);
  const record = Object.fromEntries(present);
  // As text: it may have names that a document of MongoDB can not have.
  if (extra != null) record['extra'] = JSON.stringify(extra);
  return record;
}

/** @throws TokenStoreError `RECORD_CORRUPT` where the document itself is damaged, and not only its record */
export function fromMongo(found: FoundDocument): StoreDocument {
  const { _id, kind, revision, intent, order } = found;
  if (typeof _id !== 'string' || typeof revision !== 'number') throw notOurs();
  const common = {
    _id,
    revision,
    keys: textsIn(found['keys']),
    claims: textsIn(found['claims']).filter((claim) => claim !== _id),
    ...(typeof intent === 'string' && { intent }),
  };
  if (kind === 'keeper') return { ...common, kind };
  if (kind === 'intent') return { ...common, kind, ...partsIn(found) };
  if (kind !== 'token' || typeof order !== 'number') throw notOurs();
  return {
    ...common,
    kind,
    order,
    shared: textsIn(found['shared']),
    writeIds: textsIn(found['writeIds']),
    record: recordIn(found['record']),
  };
}

/** The record in a document, which nobody else has: it is not copied. `undefined` if it is none. */
export function recordIn(value: unknown): StoredRecord | undefined {
  if (!isObject(value)) return undefined;
  const { id, version, extra } = value;
  if (typeof id !== 'string' || typeof version !== 'number') return undefined;
  if (extra !== undefined) value['extra'] = parsed(extra);
  return Object.assign(value, { id, version });
}

type Change = IntentDocument['changes'][number];

function toMongoChange({ to, ...at }: Change): object {
  return { ...at, to: to && toMongo(to) };
}

/** An intent is written by the store only, and lives for a few round trips. */
function partsIn(found: FoundDocument): Pick<IntentDocument, 'changes' | 'touches' | 'share'> {
  const { changes, touches, share } = found as unknown as IntentDocument;
  const read = ({ to, ...at }: Change) => ({
    ...at,
    to: to && (fromMongo({ ...to }) as HoldingDocument),
  });
  return { changes: changes.map(read), touches, share };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** What is no JSON stays as it is: no token can be made of it, but the record can be deleted. */
function parsed(extra: unknown): unknown {
  try {
    return JSON.parse(String(extra));
  } catch {
    return extra;
  }
}

function textsIn(value: unknown): string[] {
  if (!Array.isArray(value)) throw notOurs();
  return value.map(String);
}

function notOurs(): Error {
  return recordCorrupt(undefined, 'a document of the collection has not the fields that it should');
}
