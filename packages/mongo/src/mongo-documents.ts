import { randomUUID } from 'node:crypto';
import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import type { FoundDocument, MongoCollectionLike } from './collection.ts';
import { fromMongo, toMongo, toMongoRecord } from './document-form.ts';
import type {
  At,
  Counters,
  Documents,
  StoreDocument,
  TokenDocument,
  Written,
} from './documents.ts';
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

  async remove(documents: readonly At[]): Promise<number> {
    const removed = this.#collection.deleteMany(anyOf(documents));
    return (await this.#inTime(removed)).deletedCount;
  }

  async mark(documents: readonly At[], intent: string): Promise<number> {
    const mark = { $inc: { revision: 1 }, $set: { intent } };
    const marked = this.#collection.updateMany(anyOf(documents), mark);
    return (await this.#inTime(marked)).matchedCount;
  }

  async release(ids: readonly string[], intent: string, share: readonly string[]): Promise<void> {
    const release = { $inc: { revision: 1 }, $unset: { intent: 1 } };
    const add = share.length === 0 ? {} : { $addToSet: { shared: { $each: share } } };
    const released = this.#collection.updateMany(
      { _id: { $in: ids }, intent },
      { ...release, ...add },
    );
    await this.#inTime(released);
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

function anyOf(documents: readonly At[]): object {
  const [first, ...others] = documents.map(({ _id, revision }) => ({ _id, revision }));
  return others.length === 0 && first !== undefined ? first : { $or: [first, ...others] };
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
