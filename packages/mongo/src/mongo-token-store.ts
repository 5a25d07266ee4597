import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { StorageTokenStore, type TokenKey, type TokenStorage } from '@tokenkeep/core/adapter';
import { Deadline, OptimisticSaver } from '@tokenkeep/core/adapter/server';
import type { MongoClientLike, MongoCollectionLike } from './collection.ts';
import { DocumentStorage } from './document-storage.ts';
import { lateness, translateError } from './errors.ts';
import { MongoDocuments } from './mongo-documents.ts';
import { type CheckedOptions, checkOptions, type MongoTokenStoreOptions } from './options.ts';
import { createSchema } from './schema.ts';

/**
 * A token store in a collection of MongoDB: a single server, a replica set or a sharded cluster.
 *
 * Each record is a document. A save of a known user is one query and one write. No transactions are
 * needed: how records are kept apart without them is told in `claims.ts`.
 *
 * @example
 * const store = new MongoTokenStore({ uri: 'mongodb://127.0.0.1:27017' });
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class MongoTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: MongoTokenStoreOptions) {
    super(new MongoStorage(checkOptions(options)));
  }
}

/** How long others may hold a lock: it is held for a few round trips, if its holder lives. */
const LOCK_PATIENCE = 500;

/** How long a find, a save or a delete on a client of the user's may take as a whole: milliseconds. */
const LONGEST_CALL = 60_000;

/** What is acknowledged survives the loss of any minority of the servers, and a power failure. */
const WRITE_CONCERN = { w: 'majority', journal: true, wtimeoutMS: 20_000 } as const;

/** Whatever the client was made with: documents are read as they were written. */
const PLAIN_VALUES = {
  promoteLongs: true,
  promoteValues: true,
  useBigInt64: false,
  raw: false,
  fieldsAsRaw: {},
  enableUtf8Validation: true,
} as const;

/** Opens on `open()`, and then does as {@link DocumentStorage} does. */
class MongoStorage implements TokenStorage {
  readonly #options: CheckedOptions;
  readonly #saver = new OptimisticSaver();
  readonly #deadline = new Deadline(LONGEST_CALL);
  #ownClient: (MongoClientLike & { close(): Promise<void> }) | undefined;
  #storage: DocumentStorage | undefined;

  constructor(options: CheckedOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const client = await this.#client();
    // By itself the driver connects once: after that has failed, every call would.
    await client.connect();
    const collection = (level: 'local' | 'majority'): MongoCollectionLike =>
      client.db(this.#options.database).collection(this.#options.collection, {
        writeConcern: WRITE_CONCERN,
        readConcern: { level },
        readPreference: 'primary',
        ...PLAIN_VALUES,
      });
    const latest = collection('local');
    await createSchema(latest);
    const documents = new MongoDocuments({ latest, durable: collection('majority') });
    this.#storage = new DocumentStorage(documents, this.#saver, LOCK_PATIENCE);
  }

  find: TokenStorage['find'] = (keys) => this.#inTime(this.#find(keys));
  save: TokenStorage['save'] = (keys, decide) => this.#inTime(this.#opened.save(keys, decide));
  delete: TokenStorage['delete'] = (id) => this.#inTime(this.#opened.delete(id));
  all: TokenStorage['all'] = () => this.#opened.all();
  clear: TokenStorage['clear'] = () => this.#opened.clear();

  async close(): Promise<void> {
    await this.#ownClient?.close();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateError(error);
  }

  async #find(keys: readonly TokenKey[]): Promise<StoredRecord[]> {
    const found = await this.#opened.find(keys);
    // A query of a collection that was dropped finds nothing, and says no more.
    if (found.length === 0) await this.#opened.requireStore();
    return found;
  }

  /** A client of the user's may wait for ever; ours has its own limits. */
  #inTime<T>(work: Promise<T>): Promise<T> {
    return 'db' in this.#options.connect ? this.#deadline.for(work, lateness) : work;
  }

  get #opened(): DocumentStorage {
    if (this.#storage === undefined) throw new Error('the store is not open');
    return this.#storage;
  }

  async #client(): Promise<MongoClientLike> {
    const { connect } = this.#options;
    if ('db' in connect) return connect;
    const { MongoClient } = await import('mongodb');
    this.#ownClient ??= new MongoClient(connect.uri, connect.options);
    return this.#ownClient;
  }
}
