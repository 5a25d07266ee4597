import { randomUUID } from 'node:crypto';
import { TokenStoreError } from '@tokenkeep/core';
import type { MongoCollectionLike } from './collection.ts';
import {
  type At,
  at,
  type Counters,
  checkDocument,
  type Intent,
  PAGE,
  type StoreDocument,
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

  get(ids: readonly string[]): Promise<StoreDocument[]> {
    return this.#find({ _id: { $in: ids } });
  }

  /** The first of the documents after a place in the order and up to another. */
  page(after: number, upTo: number): Promise<StoreDocument[]> {
    return this.#find({ order: { $gt: after, $lte: upTo } }, { sort: { order: 1 }, limit: PAGE });
  }

  /** @throws TokenStoreError `SCHEMA_UNKNOWN` where the collection was dropped under the store */
  async counters(): Promise<Counters> {
    return countersIn(await this.#inTime(this.#collection.findOne({ _id: STORE_ID })));
  }

  /** Counts one more record. @returns its place */
  async nextOrder(): Promise<number> {
    const count = { $inc: { added: 1 } };
    const options = { returnDocument: 'after' };
    const store = this.#collection.findOneAndUpdate({ _id: STORE_ID }, count, options);
    return countersIn(await this.#inTime(store)).order;
  }

  async raiseDeletedVersion(deletedVersion: number): Promise<void> {
    await this.#bulk([
      { updateOne: { filter: { _id: STORE_ID }, update: { $max: { deletedVersion } } } },
    ]);
  }

  /**
   * Puts a document in the place of its former revision; after revision 0 it is inserted.
   *
   * @param before if it has a record, that has to be so still: someone may have written to it by hand
   */
  async write(before: At & { record?: unknown }, document: StoreDocument): Promise<Written> {
    const { revision, record } = before;
    const filter = { ...at(before), ...(record !== undefined && { record }) };
    try {
      if (revision === 0) await this.#inTime(this.#collection.insertOne(document));
      else {
        const replaced = await this.#inTime(this.#collection.replaceOne(filter, document));
        if (replaced.matchedCount === 0) return 'changed';
      }
      return 'written';
    } catch (error) {
      if (isDuplicateKey(error)) return 'taken';
      throw error;
    }
  }

  /** Removes those that are at their revision. @returns how many were */
  async remove(documents: readonly At[]): Promise<number> {
    const deletes = documents.map((document) => ({ deleteOne: { filter: at(document) } }));
    return (await this.#bulk(deletes)).deletedCount;
  }

  /** Marks those that are at their revision as participants. @returns how many were */
  async mark(documents: readonly At[], coordinator: At): Promise<number> {
    const update = { $inc: { revision: 1 }, $set: { coordinator } };
    const marks = documents.map((document) => ({ updateOne: { filter: at(document), update } }));
    return (await this.#bulk(marks)).matchedCount;
  }

  /** Takes the marks of a coordinator off. */
  async release(ids: readonly string[], coordinator: At): Promise<void> {
    await this.#bulk([releaseOf(ids, coordinator)]);
  }

  /** Carries a decided intent out, in this order: the participants first. */
  async finish({ _id, revision }: At, { participants, absorbs, shared }: Intent): Promise<void> {
    const coordinator = { _id, revision: revision - 1 };
    const keeper = {
      kind: 'keeper',
      revision: { $add: ['$revision', 1] },
      keys: '$claims',
      shared: [],
    };
    const filter = { _id: { $in: absorbs }, coordinator };
    const update = [{ $set: keeper }, { $unset: ['record', 'writeIds', 'coordinator'] }];
    const done = { $inc: { revision: 1 }, $unset: { intent: 1 } };
    await this.#bulk([
      { updateMany: { filter, update } },
      releaseOf(participants, coordinator, shared),
      { updateOne: { filter: { _id, revision }, update: done } },
    ]);
  }

  get #collection(): MongoCollectionLike {
    if (this.#opened === undefined) throw new Error('the store is not open');
    return this.#opened;
  }

  async #find(filter: object, options: object = {}): Promise<StoreDocument[]> {
    const found = await this.#inTime(this.#collection.find(filter, options).toArray());
    return found.map(checkDocument);
  }

  /** Does writes one after the other; the first that fails is the last. */
  async #bulk(writes: readonly object[]): Promise<{ matchedCount: number; deletedCount: number }> {
    if (writes.length === 0) return { matchedCount: 0, deletedCount: 0 };
    return this.#inTime(this.#collection.bulkWrite(writes));
  }
}

/** @param shared keys that they come to share */
function releaseOf(
  ids: readonly string[],
  coordinator: At,
  shared: readonly string[] = [],
): object {
  const filter = { _id: { $in: ids }, coordinator };
  const update = {
    $inc: { revision: 1 },
    $unset: { coordinator: 1 },
    $addToSet: { shared: { $each: shared } },
  };
  return { updateMany: { filter, update } };
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
