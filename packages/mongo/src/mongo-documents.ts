import { TokenStoreError } from '@tokenkeep/core';
import { Deadline, timedOut } from '@tokenkeep/core/adapter/server';
import type { MongoCollectionLike } from './collection.ts';
import {
  type At,
  at,
  checkDocument,
  type Intent,
  keeperOf,
  type StoreDocument,
} from './documents.ts';
import { isDuplicateKey } from './errors.ts';
import { STORE_ID } from './schema.ts';

/** How a write ended: it was done, the document had another revision, or a claim was another's. */
export type Written = 'written' | 'changed' | 'taken';

/** See {@link MongoDocuments.counters}. */
export interface Counters {
  /** Records that were added: each has its number, by which they are in order. */
  readonly added: number;
  /** The highest version of a record that was deleted. */
  readonly deletedVersion: number;
}

/** One more record, or one of this version that is deleted. */
export type Counting =
  | { readonly $inc: { readonly added: 1 } }
  | { readonly $max: { readonly deletedVersion: number } };

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
  readonly #server: string;
  #collection!: MongoCollectionLike;

  /**
   * @param timeout how long an answer may take: milliseconds
   * @param server where it is, for the error
   */
  constructor(timeout: number, server: string) {
    this.#deadline = new Deadline(timeout);
    this.#server = server;
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
    const store = await this.#inTime(
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
   * Puts a document in the place of its former revision; it is inserted if that is 0.
   *
   * @param before if it has a record, that has to be so still: someone may have written to it by hand
   */
  async write(before: StoreDocument, document: StoreDocument): Promise<Written> {
    const { revision, record } = before;
    const filter = { ...at(before), ...(record !== undefined && { record }) };
    try {
      if (revision === 0) await this.#inTime(this.#collection.insertOne(document));
      else {
        const replaced = this.#collection.replaceOne(filter, document);
        if ((await this.#inTime(replaced)).matchedCount === 0) return 'changed';
      }
      return 'written';
    } catch (error) {
      if (isDuplicateKey(error)) return 'taken';
      throw error;
    }
  }

  /** Removes those that are at their revision, but for claims that others need. @returns how many were */
  async remove(documents: readonly StoreDocument[]): Promise<number> {
    const removals = documents.map((document) => {
      const [filter, replacement] = [at(document), keeperOf(document)];
      return replacement ? { replaceOne: { filter, replacement } } : { deleteOne: { filter } };
    });
    return this.#bulk(removals);
  }

  /** Marks those that are at their revision as participants. @returns how many were */
  async mark(documents: readonly At[], coordinator: At): Promise<number> {
    const update = { $inc: { revision: 1 }, $set: { coordinator } };
    return this.#bulk(documents.map((each) => ({ updateOne: { filter: at(each), update } })));
  }

  /** Takes the marks of a coordinator off. */
  async release(ids: readonly string[], coordinator: At): Promise<void> {
    await this.#bulk([releaseOf(ids, coordinator, [])]);
  }

  /** Carries a decided intent out, in this order: its document last. */
  async finish({ _id, revision }: At, { participants, absorbs, shared }: Intent): Promise<void> {
    const coordinator = { _id, revision: revision - 1 };
    const filter = { _id: { $in: absorbs }, coordinator };
    const revisions = { $add: ['$revision', 1] };
    const keeper = { kind: 'keeper', revision: revisions, keys: '$claims', shared: [] };
    const update = [{ $set: keeper }, { $unset: ['record', 'writeIds', 'coordinator'] }];
    const done = { $inc: { revision: 1 }, $unset: { intent: 1 } };
    const ids = participants.map((each) => each._id);
    await this.#bulk([
      { updateMany: { filter, update } },
      releaseOf(ids, coordinator, shared),
      { updateOne: { filter: { _id, revision }, update: done } },
    ]);
  }

  async #find(filter: object, options: object = {}): Promise<StoreDocument[]> {
    // By itself the first batch is of 101, and what is more takes another round trip.
    const query = this.#collection.find(filter, { batchSize: 1000, ...options });
    const found = await this.#inTime(query.toArray());
    return found.map(checkDocument);
  }

  /** Does writes one after the other. @returns how many documents there were for them */
  async #bulk(writes: readonly object[]): Promise<number> {
    if (writes.length === 0) return 0;
    const done = await this.#inTime(this.#collection.bulkWrite(writes));
    return done.matchedCount + done.deletedCount;
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    return this.#deadline.for(answer, () => timedOut(this.#server, 'timeout'));
  }
}

function releaseOf(ids: readonly string[], coordinator: At, shared: readonly string[]): object {
  const released = { $inc: { revision: 1 }, $unset: { coordinator: 1 } };
  const update = { ...released, $addToSet: { shared: { $each: shared } } };
  return { updateMany: { filter: { _id: { $in: ids }, coordinator }, update } };
}
