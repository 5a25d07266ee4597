import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt } from '@tokenkeep/core/adapter';
import type { Entry } from '@tokenkeep/core/adapter/server';

/** A document at a revision. */
export interface At {
  /** Random, and never used again. */
  readonly _id: string;
  /** Grows with every write to the document: a write is refused that read another revision. */
  readonly revision: number;
}

/** A coordinator as it was when it marked a document, see `TwoPhaseCommit`. */
export interface Mark extends At {
  /** Whether the record in the document goes. */
  readonly isAbsorbed: boolean;
}

/** A record, or what is left of one. */
export interface StoreDocument extends At {
  /**
   * A keeper has no record: it keeps claims for one that is yet to be added, or for others when the
   * one that had them is gone.
   */
  readonly kind: 'token' | 'keeper';
  /** Its place in the order of first saves. */
  readonly order: number;
  /** Digests by which it is looked up: of the keys of its record, and its claims. */
  readonly keys: readonly string[];
  /** Digests that are in this document only: the unique index sees to that. */
  readonly claims: readonly string[];
  /** Those of its keys that other records may have, too. */
  readonly shared: readonly string[];
  /** The `_id`s of documents that are to be changed with this one, by a change that is decided. */
  readonly participants?: readonly string[] | undefined;
  /** By whose change this one is about to be changed. */
  readonly coordinator?: Mark | undefined;
  /** See `Entry.writeIds`. */
  readonly writeIds?: readonly string[];
  /** As it is stored, which may be damaged: see `recordIn`. */
  readonly record?: unknown;
}

/** A record, the document that it is in, and all that was found with it. */
export interface MongoEntry extends Entry {
  readonly document: StoreDocument;
  /** Records with the same keys, and what claims one of them. */
  readonly found: readonly StoreDocument[];
}

/** A document as it was read, and what it becomes; `undefined` where it is removed. */
export type Change = readonly [before: StoreDocument, after: StoreDocument | undefined];

export function at({ _id, revision }: At): At {
  return { _id, revision };
}

export function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
}

/** The next revision of a document. */
export function next(document: StoreDocument, fields: Partial<StoreDocument>): StoreDocument {
  return { ...document, ...fields, revision: document.revision + 1 };
}

/** Gives up what a document claims for others. */
export function withoutClaims(document: StoreDocument, less: readonly string[]): Change {
  const left = (list: readonly string[]) => list.filter((key) => !less.includes(key));
  const { keys, claims, shared } = document;
  const lists = { keys: left(keys), claims: left(claims), shared: left(shared) };
  return [document, lists.claims.length === 0 ? undefined : next(document, lists)];
}

/** Takes a record out of its document. Claims that other records need are left. */
export function withoutRecord(document: StoreDocument): Change {
  const { _id, kind, revision, order, claims, shared } = document;
  const kept = claims.filter((key) => kind === 'token' && shared.includes(key));
  const keeper = { _id, kind: 'keeper', revision, order, keys: kept, claims: kept } as const;
  return [document, kept.length === 0 ? undefined : next({ ...keeper, shared: [] }, {})];
}

/** A record as it is stored: without what is absent, and `extra` as text, as it may have names that a document of MongoDB can not have. */
export function toStored({ extra, ...fields }: StoredRecord): object {
  const present = Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null));
  return extra == null ? present : { ...present, extra: JSON.stringify(extra) };
}

/** The record that is stored; `undefined` if it is damaged. */
export function recordIn(stored: unknown): StoredRecord | undefined {
  const { id, version, extra, ...fields } = Object(stored);
  if (typeof id !== 'string' || typeof version !== 'number') return undefined;
  if (extra === undefined) return { ...fields, id, version };
  try {
    return { ...fields, id, version, extra: JSON.parse(extra) };
  } catch {
    return undefined;
  }
}

/** @throws TokenStoreError `RECORD_CORRUPT` where the document itself is damaged, and not only its record */
export function checkDocument(found: Readonly<Record<string, unknown>>): StoreDocument {
  const { _id, kind, revision, order, keys, claims, shared } = found;
  const isWhole =
    typeof _id === 'string' &&
    (kind === 'token' || kind === 'keeper') &&
    [revision, order].every(Number.isInteger) &&
    [keys, claims, shared].every(Array.isArray);
  if (isWhole) return found as unknown as StoreDocument;
  throw recordCorrupt(undefined, 'a document of the collection has not the fields that it should');
}
