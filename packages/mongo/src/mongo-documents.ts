import { randomUUID } from 'node:crypto';
import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import type { FoundDocument, MongoCollectionLike } from './collection.ts';
import { fromMongo, toMongo, toMongoRecord } from './document-form.ts';
import type { Counters, Documents, StoreDocument, TokenDocument, Written } from './documents.ts';
import { isDuplicateKey } from './errors.ts';
import { STORE_ID } from './schema.ts';

/** As many documents are read, or named, in one command. */
const PAGE = 250;

/** {@link Documents} in a collection of MongoDB. */
export class MongoDocuments implements Documents {
  readonly #collection: MongoCollectionLike;
  readonly #inTime: <T>(answer: Promise<T>) => Promise<T>;

  /** @param inTime rejects if an answer takes too long */
  constructor(collection: MongoCollectionLike, inTime: <T>(answer: Promise<T>) => Promise<T>) {
    this.#collection = collection;
    this.#inTime = inTime;
  }

  newId(): string {
    return randomUUID();
  }

  find(keys: readonly string[]): Promise<StoreDocument[]> {
    return this.#find({ keys: keys.length === 1 ? keys[0] : { $in: keys } });
  }

  async findOne(key: string): Promise<StoreDocument | null> {
    const found = await this.#inTime(this.#collection.findOne({ keys: key }));
    return found && fromMongo(found);
  }

  get(ids: readonly string[]): Promise<StoreDocument[]> {
    return this.#find({ _id: { $in: ids } });
  }

  async page(after: number, upTo: number): Promise<TokenDocument[]> {
    const options = { sort: { order: 1 }, limit: PAGE };
    const found = await this.#find({ order: { $gt: after, $lte: upTo } }, options);
    return found.filter((document) => document.kind === 'token');
  }

  async *others(): AsyncGenerator<readonly StoreDocument[]> {
    for (let last = ''; ; ) {
      const filter = { _id: { $gt: last }, kind: { $in: ['keeper', 'intent'] } };
      const page = await this.#find(filter, { sort: { _id: 1 }, limit: PAGE });
      const end = page.at(-1);
      if (end === undefined) return;
      yield page;
      last = end._id;
    }
  }

  async counters(): Promise<Counters> {
    return countersIn(await this.#inTime(this.#collection.findOne({ _id: STORE_ID })));
  }

  insert(document: StoreDocument): Promise<Written> {
    return this.#write(async () => {
      await this.#collection.insertOne(toMongo(document));
      return true;
    });
  }

  replace(revision: number, document: StoreDocument, record?: StoredRecord): Promise<Written> {
    const { _id } = document;
    const held = record && { record: toMongoRecord(record) };
    return this.#write(async () => {
      const filter = { _id, revision, ...held };
      return (await this.#collection.replaceOne(filter, toMongo(document))).matchedCount > 0;
    });
  }

  async remove({ _id, revision }: Pick<StoreDocument, '_id' | 'revision'>): Promise<boolean> {
    const removed = await this.#inTime(this.#collection.deleteOne({ _id, revision }));
    return removed.deletedCount > 0;
  }

  async removeAll(documents: readonly Pick<StoreDocument, '_id' | 'revision'>[]): Promise<void> {
    if (documents.length === 0) return;
    const each = documents.map(({ _id, revision }) => ({ _id, revision }));
    await this.#inTime(this.#collection.deleteMany({ $or: each }));
  }

  async nextOrder(): Promise<Counters> {
    const store = this.#collection.findOneAndUpdate(
      { _id: STORE_ID },
      { $inc: { added: 1 } },
      { returnDocument: 'after' },
    );
    return countersIn(await this.#inTime(store));
  }

  async raiseDeletedVersion(deletedVersion: number): Promise<void> {
    const raise = { $max: { deletedVersion } };
    await this.#inTime(this.#collection.updateOne({ _id: STORE_ID }, raise));
  }

  async #find(filter: object, options: object = {}): Promise<StoreDocument[]> {
    const found = await this.#inTime(this.#collection.find(filter, options).toArray());
    return found.map(fromMongo);
  }

  async #write(write: () => Promise<boolean>): Promise<Written> {
    try {
      return (await this.#inTime(write())) ? 'written' : 'changed';
    } catch (error) {
      if (isDuplicateKey(error)) return 'taken';
      throw error;
    }
  }
}

function countersIn(store: FoundDocument | object | null): Counters {
  const { added, deletedVersion } = (store ?? {}) as FoundDocument;
  if (typeof added === 'number' && typeof deletedVersion === 'number') {
    return { order: added, deletedVersion };
  }
  throw new TokenStoreError(
    'SCHEMA_UNKNOWN',
    'The collection has lost the document that says that it is a token store: it was dropped or restored in part. Open the store anew.',
  );
}
