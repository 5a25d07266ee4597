import type { TokenStoreError } from '@tokenkeep/core';
import { loadDriver, StorageTokenStore } from '@tokenkeep/core/adapter';
import {
  Deadline,
  type Engine,
  OptimisticStorage,
  tlsRequired,
} from '@tokenkeep/core/adapter/server';
import type { MongoClient } from 'mongodb';
import type { MongoClientLike } from './collection.ts';
import { DocumentEngine } from './document-engine.ts';
import type { MongoEntry } from './documents.ts';
import { translateError } from './errors.ts';
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

/** Looks at a mark, half a second in all: it is for a few round trips, if its process lives. */
const PATIENCE = 9;

/** Whatever the client was made with: documents are read as they were written. */
const PLAIN_VALUES = {
  ignoreUndefined: true,
  promoteLongs: true,
  promoteValues: true,
  useBigInt64: false,
  raw: false,
  fieldsAsRaw: {},
  enableUtf8Validation: true,
} as const;

/** Opens and closes what {@link DocumentEngine} works on. */
class MongoEngine extends DocumentEngine implements Engine<MongoEntry> {
  readonly #options: CheckedOptions;
  readonly #documents: MongoDocuments;
  #ownClient: MongoClient | undefined;
  /** Why the own client was closed. */
  #refused: TokenStoreError | undefined;

  constructor(options: CheckedOptions) {
    const documents = new MongoDocuments(new Deadline(options.timeout, options.server));
    super(documents, PATIENCE);
    this.#options = options;
    this.#documents = documents;
  }

  async open(): Promise<void> {
    const { connect, database, collection: name, timeout } = this.#options;
    const client = 'db' in connect ? connect : await this.#client(connect);
    // By itself the driver connects once: after that has failed, every call would.
    await client.connect();
    const collection = client.db(database).collection(name, {
      // What is acknowledged, and what is read, survives the loss of any minority of the servers,
      // and a power failure.
      writeConcern: { w: 'majority', journal: true, wtimeoutMS: timeout },
      readConcern: { level: 'majority' },
      readPreference: 'primary',
      ...PLAIN_VALUES,
    });
    await createSchema(collection);
    this.#documents.open(collection);
  }

  async close(): Promise<void> {
    await this.#ownClient?.close();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return this.#refused ?? translateError(error, this.#options.server);
  }

  async #client({ url, options, isLocalOnly }: OwnClient): Promise<MongoClientLike> {
    if (this.#ownClient !== undefined) return this.#ownClient;
    const { MongoClient } = await loadDriver('mongodb', () => import('mongodb'));
    const client = new MongoClient(url, options);
    this.#ownClient = client;
    if (isLocalOnly) {
      // A member of a replica set names others, and the driver would go on to them in the clear.
      client.on('serverOpening', ({ address }) => {
        if (isLocal(address.replace(/:\d+$/, ''))) return;
        this.#refused = tlsRequired(address);
        client.close().catch(() => {});
      });
    }
    return client;
  }
}
