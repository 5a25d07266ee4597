import { TokenStoreError } from '@tokenkeep/core';
import type { Deadline } from '@tokenkeep/core/adapter/server';
import type { MongoCollectionLike } from './collection.ts';
import { at, type Change, checkDocument, type StoreDocument } from './documents.ts';
import { isDuplicateKey } from './errors.ts';
import { STORE_ID } from './schema.ts';

/** How writes ended: all were done, a document had another revision, or a claim is another's. */
export type Written = 'written' | 'changed' | 'taken';

/** See {@link MongoDocuments.counters}. */
export interface Counters {
  /** Records that were added: each has its number, by which they are in order. */
  readonly added: number;
  /** The highest version of a record that was deleted. */
  readonly deletedVersion: number;
}

/** One more record, or one of this version that is deleted. */
export type Counting = { $inc: { added: 1 } } | { $max: { deletedVersion: number } };

/** What can be done with documents. */
export type Documents = Omit<MongoDocuments, 'open'>;

/** As many documents are read at once. */
const PAGE = 250;

/**
 * Documents in a collection of MongoDB. Reads and writes are atomic for each document, and not for
 * several.
 */
export class MongoDocuments {
  readonly #deadline: Deadline;
  #collection!: MongoCollectionLike;

  /** @param deadline for each answer */
  constructor(deadline: Deadline) {
    this.#deadline = deadline;
  }

  /** To be called first. */
  open(collection: MongoCollectionLike): void {
    this.#collection = collection;
  }

  /** The documents that have at least one of the keys. */
  find(keys: readonly string[]): Promise<StoreDocument[]> {
    return this.#find({ keys: keys.length === 1 ? keys[0] : { $in: keys } });
  }

  get(ids: readonly string[]): Promise<StoreDocument[]> {
    return this.#find({ _id: { $in: ids } });
  }

  /** The first of the documents after a place in the order and up to another. */
  page(after: number, upTo: number): Promise<StoreDocument[]> {
    const options = { sort: { order: 1 }, limit: PAGE };
    return this.#find({ order: { $gt: after, $lte: upTo } }, options);
  }

  /**
   * What the document of the store itself counts, after a change of it.
   *
   * @throws TokenStoreError `SCHEMA_UNKNOWN` where the collection was dropped under the store
   */
  async counters(change?: Counting): Promise<Counters> {
    const filter = { _id: STORE_ID };
    const store = await this.#deadline.for(
      change === undefined
        ? this.#collection.findOne(filter)
        : this.#collection.findOneAndUpdate(filter, change, { returnDocument: 'after' }),
    );
    const { added, deletedVersion } = Object(store);
    if (Number.isInteger(added) && Number.isInteger(deletedVersion))
      return { added, deletedVersion };
    throw new TokenStoreError(
      'SCHEMA_UNKNOWN',
      'The collection has lost the document that says that it is a token store: it was dropped or restored in part. Open the store anew.',
    );
  }

  /**
   * Removes documents, then puts others in the place of those that were read, one after the other:
   * each if that is still at its revision. One of revision 0 is inserted.
   */
  async write(...changes: readonly Change[]): Promise<Written> {
    let written: Written = 'written';
    const removed = changes.filter(([, after]) => after === undefined);
    if (removed.length > 0) {
      const filter = { $or: removed.map(([before]) => at(before)) };
      const { deletedCount } = await this.#deadline.for(this.#collection.deleteMany(filter));
      if (deletedCount < removed.length) written = 'changed';
    }
    for (const [before, after] of changes) {
      const put = after === undefined ? 'written' : await this.#put(before, after);
      if (put !== 'written') written = put;
    }
    return written;
  }

  async #put(before: StoreDocument, after: StoreDocument): Promise<Written> {
    // Someone may have written to a record by hand.
    const filter = { ...at(before), record: before.record };
    try {
      if (before.revision === 0) await this.#deadline.for(this.#collection.insertOne(after));
      else {
        const replaced = this.#collection.replaceOne(filter, after);
        if ((await this.#deadline.for(replaced)).matchedCount === 0) return 'changed';
      }
      return 'written';
    } catch (error) {
      if (isDuplicateKey(error)) return 'taken';
      throw error;
    }
  }

  async #find(filter: object, options: object = {}): Promise<StoreDocument[]> {
    // By itself the first batch is of 101, and what is more takes another round trip.
    const query = this.#collection.find(filter, { batchSize: 1000, ...options });
    const found = await this.#deadline.for(query.toArray());
    return found.map(checkDocument);
  }
}
