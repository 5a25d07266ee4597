import { randomUUID } from 'node:crypto';
import { TokenStoreError } from '@tokenkeep/core';
import type { MongoCollectionLike } from './collection.ts';
import { checkDocument } from './document-form.ts';
import {
  type At,
  type Counters,
  PAGE,
  type StoreDocument,
  type TokenDocument,
} from './documents.ts';
import { isDuplicateKey } from './errors.ts';
import { STORE_ID } from './schema.ts';

/** How a write ended: it was done, the document had another revision, or a claim was another's. */
export type Written = 'written' | 'changed' | 'taken';

/** What can be done with documents. */
export type Documents = Omit<MongoDocuments, 'open'>;

/** Rejects if an answer takes too long. */
type InTime = <T>(answer: Promise<T>) => Promise<T>;

/**
 * Documents in a collection of MongoDB. Reads and writes are atomic for each document, and not for
 * several.
 */
export class MongoDocuments {
  readonly #inTime: InTime;
  #opened: MongoCollectionLike | undefined;

  constructor(inTime: InTime) {
    this.#inTime = inTime;
  }

  /** To be called first. */
  open(collection: MongoCollectionLike): void {
    this.#opened = collection;
  }

  /** An `_id`. */
  newId(): string {
    return randomUUID();
  }

  /** The documents that have at least one of the keys. */
  find(keys: readonly string[]): Promise<StoreDocument[]> {
    return this.#find({ keys: keys.length === 1 ? keys[0] : { $in: keys } });
  }

  /** One of the documents that have the key. */
  async findOne(key: string): Promise<StoreDocument | null> {
    const found = await this.#inTime(this.#collection.findOne({ keys: key }));
    return found && checkDocument(found);
  }

  get(ids: readonly string[]): Promise<StoreDocument[]> {
    return this.#find({ _id: { $in: ids } });
  }

  /** The first records of those after a place in the order and up to another. */
  async page(after: number, upTo: number): Promise<TokenDocument[]> {
    const options = { sort: { order: 1 }, limit: PAGE };
    const found = await this.#find({ order: { $gt: after, $lte: upTo } }, options);
    return found.filter((document) => document.kind === 'token');
  }

  /** The first of the documents after an `_id` that are no records. */
  others(after: string): Promise<StoreDocument[]> {
    const filter = { _id: { $gt: after }, kind: { $in: ['keeper', 'intent'] } };
    return this.#find(filter, { sort: { _id: 1 }, limit: PAGE });
  }

  /** @throws TokenStoreError `SCHEMA_UNKNOWN` where the collection was dropped under the store */
  async counters(): Promise<Counters> {
    return countersIn(await this.#inTime(this.#collection.findOne({ _id: STORE_ID })));
  }

  insert(document: StoreDocument): Promise<Written> {
    return this.#write(this.#collection.insertOne(document).then(() => true));
  }

  /**
   * Puts a document in the place of its former revision.
   *
   * @param before if it has a record, that has to be so still: someone may have written to it by hand
   */
  replace(before: At & { record?: unknown }, document: StoreDocument): Promise<Written> {
    const { record } = before;
    const filter = { ...at(before), ...(record !== undefined && { record }) };
    const replaced = this.#collection.replaceOne(filter, document);
    return this.#write(replaced.then(({ matchedCount }) => matchedCount > 0));
  }

  /** Removes those that are at their revision. @returns how many were */
  async remove(documents: readonly At[]): Promise<number> {
    const deletes = documents.map((document) => ({ deleteOne: { filter: at(document) } }));
    return (await this.#inTime(this.#collection.bulkWrite(deletes))).deletedCount;
  }

  /** Marks those that are at their revision with an intent. @returns how many were */
  async mark(documents: readonly At[], intent: string): Promise<number> {
    const update = { $inc: { revision: 1 }, $set: { intent } };
    const marks = documents.map((document) => ({ updateOne: { filter: at(document), update } }));
    return (await this.#inTime(this.#collection.bulkWrite(marks))).matchedCount;
  }

  /** Takes the marks of an intent off, and adds shared keys. */
  async release(ids: readonly string[], intent: string, shared: readonly string[]): Promise<void> {
    const update = {
      $inc: { revision: 1 },
      $unset: { intent: 1 },
      $addToSet: { shared: { $each: shared } },
    };
    await this.#inTime(this.#collection.updateMany({ _id: { $in: ids }, intent }, update));
  }

  /** Counts one more record, and gives its place. */
  async nextOrder(): Promise<Counters> {
    const count = { $inc: { added: 1 } };
    const options = { returnDocument: 'after' };
    const store = this.#collection.findOneAndUpdate({ _id: STORE_ID }, count, options);
    return countersIn(await this.#inTime(store));
  }

  async raiseDeletedVersion(deletedVersion: number): Promise<void> {
    const raise = { $max: { deletedVersion } };
    await this.#inTime(this.#collection.updateOne({ _id: STORE_ID }, raise));
  }

  get #collection(): MongoCollectionLike {
    if (this.#opened === undefined) throw new Error('the store is not open');
    return this.#opened;
  }

  async #find(filter: object, options: object = {}): Promise<StoreDocument[]> {
    const found = await this.#inTime(this.#collection.find(filter, options).toArray());
    return found.map(checkDocument);
  }

  async #write(write: Promise<boolean>): Promise<Written> {
    try {
      return (await this.#inTime(write)) ? 'written' : 'changed';
    } catch (error) {
      if (isDuplicateKey(error)) return 'taken';
      throw error;
    }
  }
}

function at({ _id, revision }: At): At {
  return { _id, revision };
}

function countersIn(store: object | null): Counters {
  const { added, deletedVersion } = Object(store);
  if (typeof added === 'number' && typeof deletedVersion === 'number') {
    return { order: added, deletedVersion };
  }
  throw new TokenStoreError(
    'SCHEMA_UNKNOWN',
    'The collection has lost the document that says that it is a token store: it was dropped or restored in part. Open the store anew.',
  );
}
