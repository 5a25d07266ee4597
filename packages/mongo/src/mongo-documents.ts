import { randomUUID } from 'node:crypto';
import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { recordCorrupt } from '@tokenkeep/core/adapter';
import type { FoundDocument, MongoCollectionLike } from './collection.ts';
import type { Documents, GateDocument, Lock, RecordDocument, StoreDocument } from './documents.ts';
import { isDuplicateKey, mayHaveHappened } from './errors.ts';
import { STORE_ID } from './schema.ts';

/** A collection, once as writers read it and once as readers do. */
export interface Collections {
  /** Reads what was written last. */
  readonly latest: MongoCollectionLike;
  /** Reads what a majority has. */
  readonly durable: MongoCollectionLike;
}

/** As many documents are named in one command. */
const PER_COMMAND = 500;

/** {@link Documents} in a collection of MongoDB. */
export class MongoDocuments implements Documents {
  readonly #latest: MongoCollectionLike;
  readonly #durable: MongoCollectionLike;

  constructor({ latest, durable }: Collections) {
    this.#latest = latest;
    this.#durable = durable;
  }

  async find(keys: readonly string[]): Promise<StoreDocument[]> {
    return (await this.#latest.find(anyOf(keys)).toArray()).map(fromMongo);
  }

  async findDurable(keys: readonly string[]): Promise<StoreDocument[]> {
    return (await this.#durable.find(anyOf(keys)).toArray()).map(fromMongo);
  }

  async findOneDurable(key: string): Promise<StoreDocument | null> {
    const found = await this.#durable.findOne(anyOf([key]));
    return found && fromMongo(found);
  }

  async get(_id: string): Promise<StoreDocument | null> {
    const found = await this.#latest.findOne({ _id });
    return found && fromMongo(found);
  }

  insert(document: StoreDocument): Promise<boolean> {
    return this.#write(document, async (written) => {
      await this.#latest.insertOne(written);
      return true;
    });
  }

  replace(revision: number, document: StoreDocument, record?: StoredRecord): Promise<boolean> {
    const filter = { _id: document._id, revision };
    return this.#write(document, async (written) => {
      const { matchedCount } = await this.#latest.replaceOne(
        record === undefined ? filter : { ...filter, record: toMongoRecord(record) },
        written,
      );
      return matchedCount > 0;
    });
  }

  async remove(_id: string, revision: number): Promise<boolean> {
    const { deletedCount } = await this.#latest.deleteOne({ _id, revision });
    return deletedCount > 0;
  }

  async removeAll(ids: readonly string[]): Promise<void> {
    await this.#latest.deleteMany({ _id: { $in: ids } });
  }

  async nextOrder(): Promise<number> {
    const store = await this.#latest.findOneAndUpdate(
      { _id: STORE_ID },
      { $inc: { lastOrder: 1 } },
      { returnDocument: 'after' },
    );
    return numberIn(store, 'lastOrder');
  }

  async lastOrder(): Promise<number> {
    return numberIn(await this.#latest.findOne({ _id: STORE_ID }), 'lastOrder');
  }

  async merges(): Promise<number> {
    return numberIn(await this.#durable.findOne({ _id: STORE_ID }), 'merges');
  }

  async countMerge(): Promise<void> {
    await this.#latest.updateOne({ _id: STORE_ID }, { $inc: { merges: 1 } });
  }

  async allRecords(): Promise<RecordDocument[]> {
    const found = await this.#durable
      // Not by what it is: one that was damaged is an error, and not left out.
      .find({ _id: { $ne: STORE_ID }, kind: { $nin: ['gate', 'shell'] } })
      .toArray();
    return found.map(fromMongo).filter((document) => document.kind === 'record');
  }

  async gates(): Promise<GateDocument[]> {
    const found = await this.#latest.find({ kind: 'gate' }).toArray();
    return found.map(fromMongo).filter((document) => document.kind === 'gate');
  }

  async removeGates(gates: readonly Pick<GateDocument, '_id' | 'revision'>[]): Promise<void> {
    for (let start = 0; start < gates.length; start += PER_COMMAND) {
      const some = gates.slice(start, start + PER_COMMAND);
      await this.#latest.deleteMany({ $or: some.map(({ _id, revision }) => ({ _id, revision })) });
    }
  }

  async removeShells(): Promise<void> {
    await this.#latest.deleteMany({ kind: 'shell' });
  }

  async removeFreeRecords(lastOrder: number): Promise<void> {
    await this.#latest.deleteMany({
      kind: 'record',
      order: { $lte: lastOrder },
      lock: { $exists: false },
      absorbed: { $exists: false },
    });
  }

  async recordIds(lastOrder: number): Promise<string[]> {
    const left = await this.#latest.find({ kind: 'record', order: { $lte: lastOrder } }).toArray();
    return left.map(fromMongo).flatMap((each) => (each.kind === 'record' ? [each.record.id] : []));
  }

  async #write(
    document: StoreDocument,
    write: (written: object) => Promise<boolean>,
  ): Promise<boolean> {
    const writer = randomUUID();
    try {
      return await write(toMongo(document, writer));
    } catch (error) {
      if (isDuplicateKey(error)) return false;
      if (mayHaveHappened(error) && (await this.#hasHappened(document, writer))) return true;
      throw error;
    }
  }

  /** Whether a write whose answer was lost was done. */
  async #hasHappened({ _id, revision }: StoreDocument, writer: string): Promise<boolean> {
    const found = await this.#latest.findOne({ _id, revision, writer }).catch(() => null);
    // A later write that is acknowledged says as much of those before it: they are journaled, and
    // a majority has them.
    if (found !== null) await this.countMerge();
    return found !== null;
  }
}

function anyOf(keys: readonly string[]): object {
  return { keys: keys.length === 1 ? keys[0] : { $in: keys } };
}

function toMongo(document: StoreDocument, writer: string): object {
  if (document.kind !== 'record') return { ...document, writer };
  return { ...document, record: toMongoRecord(document.record), writer };
}

function toMongoRecord({ extra, ...fields }: StoredRecord): object {
  const present = Object.entries(fields).filter(([, value]) => value != null);
  const record = Object.fromEntries(present);
  // As text: what a provider sends may be nested more deeply than BSON can be, and have any names.
  if (extra != null) record['extra'] = JSON.stringify(extra);
  return record;
}

function fromMongo(document: FoundDocument): StoreDocument {
  const { _id, kind, revision, lock, absorbed, order } = document;
  if (typeof _id !== 'string' || typeof revision !== 'number') throw notOurs();
  const common = {
    _id,
    revision,
    keys: textsIn(document['keys']),
    claims: textsIn(document['claims']),
    ...(isLock(lock) && { lock: { for: lock.for, at: lock.at } }),
  };
  if (kind === 'gate' || kind === 'shell') return { ...common, kind };
  if (kind !== 'record' || typeof order !== 'number') throw notOurs();
  return {
    ...common,
    kind,
    order,
    record: recordIn(document['record']),
    ...(absorbed !== undefined && { absorbed: textsIn(absorbed) }),
  };
}

/** It is of nobody else, and so need not be copied. */
function recordIn(value: unknown): StoredRecord {
  if (!isObject(value)) throw notOurs();
  const { id, version, extra } = value;
  if (typeof id !== 'string') throw recordCorrupt(undefined, 'it has no id');
  if (typeof version !== 'number') throw recordCorrupt(id, 'it has no version');
  if (extra !== undefined) value['extra'] = parsed(extra);
  return Object.assign(value, { id, version });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

/** What is no JSON stays as it is: no token can be made of it, but the record can be deleted. */
function parsed(extra: unknown): unknown {
  try {
    return JSON.parse(String(extra));
  } catch {
    return extra;
  }
}

function isLock(value: unknown): value is Lock {
  if (typeof value !== 'object' || value === null || !('for' in value && 'at' in value))
    return false;
  return typeof value.for === 'string' && typeof value.at === 'number';
}

function textsIn(value: unknown): string[] {
  if (!Array.isArray(value)) throw notOurs();
  return value.map(String);
}

function numberIn(store: object | null, field: 'lastOrder' | 'merges'): number {
  const value: unknown = store === null ? undefined : Reflect.get(store, field);
  if (typeof value === 'number') return value;
  throw new TokenStoreError(
    'SCHEMA_UNKNOWN',
    'The collection has lost the document that says that it is a token store: it was dropped or restored in part. Open the store anew.',
  );
}

function notOurs(): TokenStoreError {
  return recordCorrupt(undefined, 'a document of the collection has not the fields that it should');
}
