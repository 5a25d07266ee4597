import type { StoredRecord } from '@tokenkeep/core';

interface AnyDocument {
  /** Random, and never used again. */
  readonly _id: string;
  /** Grows with every write to the document: a write is refused that read another revision. */
  readonly revision: number;
  /** Digests by which the document is looked up. */
  readonly keys: readonly string[];
  /** Digests that this document keeps: each is in one document at most, the database sees to that. */
  readonly claims: readonly string[];
  /** The intent that is about to change the document. */
  readonly mark?: Mark | undefined;
}

/** What an intent that was not carried out has to be undone by. */
export interface Mark {
  /** The `_id` of the intent. */
  readonly intent: string;
  readonly keys: readonly string[];
  readonly claims: readonly string[];
}

/** A record. */
export interface TokenDocument extends AnyDocument {
  readonly kind: 'token';
  /** Keys that it may have in common with other records, or that it keeps for others only. */
  readonly shared: readonly string[];
  /** Its place in the order of first saves. */
  readonly order: number;
  /** See `Entry.writeIds`. */
  readonly writeIds: readonly string[];
  /** `undefined` where it is damaged. */
  readonly record: StoredRecord | undefined;
}

/** Keeps keys for the records that have them, after the record that kept them is gone. */
export interface KeeperDocument extends AnyDocument {
  readonly kind: 'keeper';
}

/** A change of several documents, written down before it is done. */
export interface IntentDocument extends AnyDocument {
  readonly kind: 'intent';
  /** 0 while it is open, 1 once it is decided; to remove an open one is to abort it. */
  readonly revision: number;
  readonly changes: readonly DocumentChange[];
}

/** What becomes of a document that was at a revision. */
export type DocumentChange = { readonly _id: string; readonly revision: number } & (
  | { readonly to: HoldingDocument | null }
  /** Keys that another record comes to share with it. */
  | { readonly share: readonly string[] }
);

/** A document that may keep keys. */
export type HoldingDocument = TokenDocument | KeeperDocument;
export type StoreDocument = HoldingDocument | IntentDocument;

/** What the document of the store itself counts. */
export interface Counters {
  /** The place of the record that was added last. */
  readonly order: number;
  /** The highest version of a record that was deleted. */
  readonly deletedVersion: number;
}

/** Reads documents; several are not necessarily read at one moment. */
export interface DocumentReader {
  /** The documents that have at least one of the keys. */
  find(keys: readonly string[]): Promise<StoreDocument[]>;
  /** One of the documents that have the key. */
  findOne(key: string): Promise<StoreDocument | null>;
  get(ids: readonly string[]): Promise<StoreDocument[]>;
  /** The first records of those after a place in the order and up to another. */
  page(after: number, upTo: number): Promise<TokenDocument[]>;
  /** The documents that are no records; some at a time. */
  others(): AsyncIterable<readonly StoreDocument[]>;
  /** @throws TokenStoreError `SCHEMA_UNKNOWN` where the collection was dropped under the store */
  counters(): Promise<Counters>;
}

/** How a write ended: it was done, the document had another revision, or a claim was another's. */
export type Written = 'written' | 'changed' | 'taken';

/** Each method is one step that is atomic for a single document. */
export interface Documents extends DocumentReader {
  /** An `_id`: random, and never used again. */
  newId(): string;
  insert(document: StoreDocument): Promise<Written>;
  /**
   * Puts a document in the place of its former revision.
   *
   * @param record what it has to hold besides: someone may have written to it by hand
   */
  replace(revision: number, document: StoreDocument, record?: StoredRecord): Promise<Written>;
  /** @returns whether there was such a document at that revision */
  remove(document: Pick<StoreDocument, '_id' | 'revision'>): Promise<boolean>;
  /** Removes those that are still at their revision. */
  removeAll(documents: readonly Pick<StoreDocument, '_id' | 'revision'>[]): Promise<void>;
  /** Counts one more record, and gives its place. */
  nextOrder(): Promise<Counters>;
  raiseDeletedVersion(version: number): Promise<void>;
}
