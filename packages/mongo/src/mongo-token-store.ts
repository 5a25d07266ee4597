import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { loadDriver, StorageTokenStore } from '@tokenkeep/core/adapter';
import {
  Deadline,
  type Engine,
  OptimisticStorage,
  tlsRequired,
} from '@tokenkeep/core/adapter/server';
import type { MongoClient } from 'mongodb';
import type { MongoClientLike } from './collection.ts';
import { DocumentEngine, type MongoEntry } from './document-engine.ts';
import { timeoutError, translateError } from './errors.ts';
import { MongoDocuments } from './mongo-documents.ts';
import {
  type CheckedOptions,
  checkOptions,
  isLocal,
  type MongoTokenStoreOptions,
  type OwnClient,
} from './options.ts';
import { createSchema } from './schema.ts';

/**
 * A token store in a collection of MongoDB: a single server, a replica set or a sharded cluster.
 *
 * Each record is a document. A save of a known user is one query and one write. No transactions are
 * needed: how records are kept apart without them is told in `document-engine.ts`.
 *
 * @example
 * const store = new MongoTokenStore({ url: 'mongodb://127.0.0.1:27017' });
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class MongoTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: MongoTokenStoreOptions) {
    super(new OptimisticStorage(new MongoEngine(checkOptions(options))));
  }
}

/** How long an intent of others may stay open: it is for a few round trips, if its process lives. */
const PATIENCE = 500;

/** Whatever the client was made with: documents are read as they were written. */
const PLAIN_VALUES = {
  promoteLongs: true,
  promoteValues: true,
  useBigInt64: false,
  raw: false,
  fieldsAsRaw: {},
  enableUtf8Validation: true,
} as const;

/** Opens on `open()`, and then does as {@link DocumentEngine} does. */
class MongoEngine implements Engine<MongoEntry> {
  readonly #options: CheckedOptions;
  readonly #deadline: Deadline;
  #ownClient: MongoClient | undefined;
  /** Why the own client was closed. */
  #refused: TokenStoreError | undefined;
  #engine: DocumentEngine | undefined;

  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#deadline = new Deadline(options.timeout);
  }

  async open(): Promise<void> {
    const { connect, database, collection: name, server, timeout } = this.#options;
    const client = 'db' in connect ? connect : await this.#client(connect);
    // By itself the driver connects once: after that has failed, every call would.
    await client.connect();
    const collection = client.db(database).collection(name, {
      // What is acknowledged survives the loss of any minority of the servers, and a power failure;
      // what is read, too.
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: timeout },
      readConcern: { level: 'majority' },
      readPreference: 'primary',
      ...PLAIN_VALUES,
    });
    await createSchema(collection);
    const inTime = <T>(answer: Promise<T>) =>
      this.#deadline.for(answer, () => timeoutError(server));
    this.#engine = new DocumentEngine(new MongoDocuments(collection, inTime), PATIENCE);
  }

  read: Engine<MongoEntry>['read'] = (keys) => this.#opened.read(keys);
  find: (keys: Parameters<Engine['read']>[0]) => Promise<readonly StoredRecord[]> = (keys) =>
    this.#opened.find(keys);
  commit: Engine<MongoEntry>['commit'] = (commit) => this.#opened.commit(commit);
  delete: Engine<MongoEntry>['delete'] = (key, ifVersion) => this.#opened.delete(key, ifVersion);
  pages: Engine<MongoEntry>['pages'] = () => this.#opened.pages();
  clear: Engine<MongoEntry>['clear'] = () => this.#opened.clear();

  async close(): Promise<void> {
    await this.#ownClient?.close();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return this.#refused ?? translateError(error, this.#options.server);
  }

  get #opened(): DocumentEngine {
    if (this.#engine === undefined) throw new Error('the store is not open');
    return this.#engine;
  }

  async #client({ url, options, isLocalOnly }: OwnClient): Promise<MongoClientLike> {
    if (this.#ownClient !== undefined) return this.#ownClient;
    const { MongoClient } = await loadDriver('mongodb', () => import('mongodb'));
    const client = new MongoClient(url, options);
    this.#ownClient = client;
    if (isLocalOnly) {
      // A member of a replica set names others, and the driver would go on to them in the clear.
      client.on('serverOpening', ({ address }) => {
        if (isLocal(address)) return;
        this.#refused = tlsRequired(address);
        client.close().catch(() => {});
      });
    }
    return client;
  }
}
