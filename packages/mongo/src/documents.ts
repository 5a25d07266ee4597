import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt } from '@tokenkeep/core/adapter';
import type { FoundDocument } from './collection.ts';

/** A document at a revision. */
export interface At {
  /** Random, and never used again. */
  readonly _id: string;
  /** Grows with every write to the document: a write is refused that read another revision. */
  readonly revision: number;
}

interface AnyDocument extends At {
  /** Its place in the order of first saves. */
  readonly order: number;
  /** Digests by which it is looked up: of the keys of its record, and its claims. */
  readonly keys: readonly string[];
  /** Digests that are in this document only: the unique index sees to that. */
  readonly claims: readonly string[];
  /** Those of its keys that other records may have, too. */
  readonly shared: readonly string[];
  /** The change of several documents that begins with this one. */
  readonly intent?: Intent | undefined;
  /** The document that has the intent to change this one, as it was when the intent was open. */
  readonly coordinator?: At | undefined;
}

/** A record. */
export interface TokenDocument extends AnyDocument {
  readonly kind: 'token';
  /** See `Entry.writeIds`. */
  readonly writeIds: readonly string[];
  /** As it is stored, which may be damaged: see `recordIn`. */
  readonly record: unknown;
}

/** Keeps claims for a record that is yet to be added, or for others when the one that had them is gone. */
export interface KeeperDocument extends AnyDocument {
  readonly kind: 'keeper';
}

export type StoreDocument = TokenDocument | KeeperDocument;

/** See `Intents`. */
export interface Intent {
  /** Before, it can be aborted; from then on it counts as done. */
  readonly isDecided: boolean;
  /** What its document claims for as long as it is open, and no longer if it is aborted. */
  readonly claims: readonly string[];
  /** The `_id`s of the documents that are marked with it. */
  readonly participants: readonly string[];
  /** Those among them whose records go. */
  readonly absorbs: readonly string[];
  /** Keys that the others among them come to share. */
  readonly shared: readonly string[];
}

/** What the document of the store itself counts. */
export interface Counters {
  /** The place of the record that was added last. */
  readonly order: number;
  /** The highest version of a record that was deleted. */
  readonly deletedVersion: number;
}

/** As many documents are read at once. */
export const PAGE = 250;

export function at({ _id, revision }: At): At {
  return { _id, revision };
}

/** The document, with keys that it claims besides. */
export function withClaims<D extends StoreDocument>(document: D, more: readonly string[]): D {
  const { keys, claims } = document;
  return { ...document, keys: union(keys, more), claims: union(claims, more) };
}

/** The document, without keys that it claims, and has not itself. */
export function withoutClaims<D extends StoreDocument>(document: D, less: readonly string[]): D {
  const left = (list: readonly string[]) => list.filter((key) => !less.includes(key));
  const { keys, claims, shared } = document;
  return { ...document, keys: left(keys), claims: left(claims), shared: left(shared) };
}

export function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
}

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
  if (
    typeof _id === 'string' &&
    (kind === 'token' || kind === 'keeper') &&
    typeof revision === 'number' &&
    typeof order === 'number' &&
    lists.every(Array.isArray)
  ) {
    return found as unknown as StoreDocument;
  }
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
