import type { StoredRecord } from '@tokenkeep/core';

/**
 * Says that a document is held for a record as long as that record is at that revision. So a lock
 * needs no clock: whoever moves the record on has broken every lock that was taken for it.
 */
export interface Lock {
  /** The `_id` of the record that it is held for. */
  readonly for: string;
  readonly at: number;
}

interface AnyDocument {
  /** Random, and never used again. */
  readonly _id: string;
  /** Grows with every write to the document: a write is refused that read another revision. */
  readonly revision: number;
  /** Digests by which the document is looked up. */
  readonly keys: readonly string[];
  /** Each of them is in one document at most: the database sees to that. */
  readonly claims: readonly string[];
  readonly lock?: Lock;
}

/** A record. */
export interface RecordDocument extends AnyDocument {
  readonly kind: 'record';
  readonly record: StoredRecord;
  /** Its place in the order of first saves. */
  readonly order: number;
  /**
   * The `_id`s of records that it took the place of and that may still be there: they count no more
   * (contract C5). While it has some, it can also be looked up by all of their keys.
   */
  readonly absorbed?: readonly string[];
}

/**
 * The gate of a key that several records have, or had. To become one of them a record needs the
 * lock of the gate.
 */
export interface GateDocument extends AnyDocument {
  readonly kind: 'gate';
}

/** The place of a record that is about to be added and needs locks for that. Nobody sees it. */
export interface ShellDocument extends AnyDocument {
  readonly kind: 'shell';
}

export type StoreDocument = RecordDocument | GateDocument | ShellDocument;

/** What is done to the documents: each method is one step that is atomic for a single document. */
export interface Documents {
  /** The documents that have at least one of the keys; not necessarily all read at one moment. */
  find(keys: readonly string[]): Promise<StoreDocument[]>;
  /** The same for a reader who wants to see only what will never be rolled back. */
  findDurable(keys: readonly string[]): Promise<StoreDocument[]>;
  /** One of the documents that have a key, for such a reader. */
  findOneDurable(key: string): Promise<StoreDocument | null>;
  get(_id: string): Promise<StoreDocument | null>;
  /** @returns whether it was added; `false` if its `_id` or one of its claims is taken */
  insert(document: StoreDocument): Promise<boolean>;
  /**
   * Puts a document in the place of its former revision.
   *
   * @param record what it has to hold besides: someone may have written to it by hand
   * @returns whether it did; `false` if it is not at that revision or one of the claims is taken
   */
  replace(revision: number, document: StoreDocument, record?: StoredRecord): Promise<boolean>;
  /** @returns whether there was such a document at that revision */
  remove(_id: string, revision: number): Promise<boolean>;
  /** Removes documents at whatever revision they are. */
  removeAll(ids: readonly string[]): Promise<void>;

  /** The next number, from 1. */
  nextOrder(): Promise<number>;
  /** How often {@link Documents.countMerge} was called. */
  merges(): Promise<number>;
  countMerge(): Promise<void>;
  allRecords(): Promise<RecordDocument[]>;

  /** The last number that {@link Documents.nextOrder} gave. */
  lastOrder(): Promise<number>;
  gates(): Promise<Pick<GateDocument, '_id' | 'revision'>[]>;
  /** Removes the gates that are still at their revision. */
  removeGates(gates: readonly Pick<GateDocument, '_id' | 'revision'>[]): Promise<void>;
  removeShells(): Promise<void>;
  /** Removes the records up to that number that have no lock and absorbed none. */
  removeFreeRecords(lastOrder: number): Promise<void>;
  /** The ids of the records up to that number. */
  recordIds(lastOrder: number): Promise<string[]>;
}
