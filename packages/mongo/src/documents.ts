/** A document at a revision. */
export interface At {
  /** Random, and never used again. */
  readonly _id: string;
  /** Grows with every write to the document: a write is refused that read another revision. */
  readonly revision: number;
}

interface AnyDocument extends At {
  /** Digests by which the document is looked up. */
  readonly keys: readonly string[];
  /** Digests that this document keeps: each is in one document at most, the database sees to that. */
  readonly claims: readonly string[];
  /** Keys that it may have in common with other records, or that it keeps for others only. */
  readonly shared: readonly string[];
  /** The `_id` of the intent that is about to change the document. */
  readonly intent?: string | undefined;
}

/** A record. */
export interface TokenDocument extends AnyDocument {
  readonly kind: 'token';
  /** Its place in the order of first saves. */
  readonly order: number;
  /** See `Entry.writeIds`. */
  readonly writeIds: readonly string[];
  /** As it is stored, which may be damaged: see `recordIn`. */
  readonly record: unknown;
}

/** Keeps keys for a record that is yet to be added, or for others after the one that kept them is gone. */
export interface KeeperDocument extends AnyDocument {
  readonly kind: 'keeper';
}

/** A change of several documents, written down before it is done: see `Intents`. */
export interface IntentDocument extends AnyDocument {
  readonly kind: 'intent';
  /** 0 while it is open, 1 once it is decided; to remove an open one is to abort it. */
  readonly revision: number;
  /** What becomes of documents. */
  readonly changes: readonly (At & { readonly to: HoldingDocument | null })[];
  /** Documents that get the keys in `shared` as shared ones, and else stay as they are. */
  readonly touches: readonly At[];
}

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

/** As many documents are read at once. */
export const PAGE = 250;
