import type {
  CollectionReference,
  DocumentReference,
  DocumentSnapshot,
  FieldValue,
  Firestore,
  QuerySnapshot,
  Timestamp,
  WriteBatch,
  WriteResult,
} from '@google-cloud/firestore';
import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { loadDriver, refuseOtherVersion } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type DigestedKey,
  digestsOf,
  type Engine,
  entryAfter,
  freedKeys,
  keysToBeFree,
  type Snapshot,
  STALE,
} from '@tokenkeep/core/adapter/server';
import { BoundedCalls } from './bounded-calls.ts';
import {
  asField,
  asRead,
  entryIn,
  type FirestoreEntry,
  recordIn,
  textsIn,
  versionIn,
} from './documents.ts';
import { translateError } from './errors.ts';
import { isFormer, migrateAll } from './migration.ts';
import { checkOptions, type FirestoreTokenStoreOptions } from './options.ts';

/** The store document, beside the records: its schema, and the highest version that was deleted. */
const STORE = 'store';
const SCHEMA = 2;

const PAGE_SIZE = 300;

/** A commit writes up to 500 documents: a record, and up to five for its keys. */
const RECORDS_PER_COMMIT = 80;

interface StoreDocument {
  readonly deletedVersion: number;
  readonly updateTime: Timestamp | undefined;
}

/**
 * A document for each record, named after its id, and an empty *key document* for each other value
 * that it can be found by, named after that.
 *
 * Firestore's preconditions are what saves race by. The first record with a value creates the key
 * document, which the database lets only one do. One that joins (another user's or client's may have
 * the same value) changes every record that has it, and marks the value as shared in all of them. So
 * whoever has read the records with a value, one or more, finds out at the commit that another has
 * joined. A record that has a value alone takes the key document along when it goes; a shared one is
 * left, and removed by the next save that finds it without a record.
 */
export class FirestoreEngine implements Engine<FirestoreEntry> {
  readonly #options: ReturnType<typeof checkOptions>;
  readonly #calls: BoundedCalls;
  #client: Firestore | undefined;
  /** The store document as it was read or written last; whether it is still so, a commit finds out. */
  #store: StoreDocument = { deletedVersion: 0, updateTime: undefined };

  constructor(options: FirestoreTokenStoreOptions) {
    this.#options = checkOptions(options);
    this.#calls = new BoundedCalls(this.#options.timeout, this.#options.server);
  }

  async open(): Promise<void> {
    this.#client ??= this.#options.firestore ?? (await this.#makeClient());
    await this.#readStore();
  }

  async read(
    keys: readonly DigestedKey[],
    guess?: FirestoreEntry,
  ): Promise<Snapshot<FirestoreEntry>> {
    const { deletedVersion } = this.#store;
    const digests = digestsOf(keys);
    if (guess !== undefined) {
      // One document, not a query: it tells whether others have its keys.
      const doc = await this.#calls.run(() => guess.ref.get());
      const [held, shared] = [textsIn(doc, 'keys'), textsIn(doc, 'shared')];
      const isSole = (digest: string) => held.includes(digest) && !shared.includes(digest);
      if (digests.every(isSole)) return { entries: [entryIn(doc)], deletedVersion };
    }
    const { docs } = await this.#withKeys(digests);
    if (!docs.some(isFormer)) return { entries: docs.map(entryIn), deletedVersion };
    // A process of the former version is still at work.
    await migrateAll(this.#records, this.#keys, this.#calls);
    return this.read(keys);
  }

  async commit(commit: Commit<FirestoreEntry>): Promise<FirestoreEntry | typeof STALE> {
    const { writeId, replaces, absorbs, others, deletedVersion } = commit;
    const { record, writeIds, sharedKeys } = entryAfter(commit);
    const kept = await asField(JSON.stringify(record));
    // From here to the write nothing is awaited: the store document is conditioned as it is known now.
    const isDecidedOn = deletedVersion !== undefined;
    if (isDecidedOn && deletedVersion !== this.#store.deletedVersion) return STALE;
    const keys = digestsOf(commit.keys);

    const batch = this.#db.batch();
    const ref = replaces?.ref ?? this.#records.doc(keys[0] ?? '');
    const fields = { record: kept, keys, shared: sharedKeys, writeIds };
    if (replaces !== null) batch.update(ref, fields, asRead(replaces));
    else batch.create(ref, { ...fields, created: this.#fieldValue.serverTimestamp() });
    for (const entry of absorbs) batch.delete(entry.ref, asRead(entry));
    for (const entry of others) {
      const common = entry.keys.filter((key) => keys.includes(key));
      const shared = [...new Set([...entry.sharedKeys, ...common])];
      batch.update(entry.ref, { shared, besides: writeId }, asRead(entry));
    }
    const toBeFree = keysToBeFree(commit).filter((key) => key !== commit.keys[0]);
    for (const { field, digest } of toBeFree) {
      const place = field === 'id' ? this.#records : this.#keys;
      if (keys.includes(digest)) batch.create(place.doc(digest), {});
      else batch.delete(place.doc(digest), { exists: false });
    }
    for (const { digest } of freedKeys(commit)) batch.delete(this.#keys.doc(digest));
    const versions = absorbs.map((entry) => entry.record.version);
    const results = await this.#write(batch, Math.max(0, ...versions), isDecidedOn);
    if (results === STALE) return this.#afterLoss(ref, writeId, digestsOf(toBeFree));
    return { ref, record, keys, sharedKeys, writeIds, updateTime: results[0]?.writeTime };
  }

  async delete(
    { digest }: DigestedKey,
    ifVersion: number | undefined,
  ): Promise<undefined | typeof STALE> {
    const doc = await this.#calls.run(() => this.#records.doc(digest).get());
    if (ifVersion !== undefined) {
      refuseOtherVersion(doc.exists ? recordIn(doc) : null, { ifVersion });
    }
    if (doc.exists) return this.#remove([doc]);
  }

  async *pages(): AsyncGenerator<StoredRecord[]> {
    let page: QuerySnapshot | undefined;
    do {
      page = await this.#page(PAGE_SIZE, page?.docs.at(-1));
      yield page.docs.map(recordIn);
    } while (page.size === PAGE_SIZE);
  }

  async clear(): Promise<void> {
    let size = RECORDS_PER_COMMIT;
    let began: string | undefined;
    for (;;) {
      const { docs, readTime } = await this.#page(size);
      began ??= readTime.valueOf();
      const end = began;
      const old = docs.filter(({ createTime }) => createTime.valueOf() <= end);
      if (old.length === 0) return;
      // Where one was saved meanwhile: one at a time, so that it does not hold up the others.
      size = (await this.#remove(old)) === STALE ? 1 : RECORDS_PER_COMMIT;
    }
  }

  async close(): Promise<void> {
    if (this.#options.firestore !== undefined) return;
    // A client that is terminated while it still sends calls again throws where nobody catches it.
    await this.#calls.settled();
    await this.#client?.terminate();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateError(error, this.#options.server);
  }

  get #db(): Firestore {
    if (this.#client === undefined) throw new Error('the store is not open');
    return this.#client;
  }

  get #records(): CollectionReference {
    return this.#db.collection(this.#options.collection);
  }

  /** Of the key documents. */
  get #keys(): CollectionReference {
    return this.#db.collection(`${this.#options.collection}_keys`);
  }

  /** Of the client's own copy of the driver, which takes no other's. */
  get #fieldValue(): typeof FieldValue {
    return (this.#db.constructor as unknown as { FieldValue: typeof FieldValue }).FieldValue;
  }

  async #makeClient(): Promise<Firestore> {
    const name = '@google-cloud/firestore';
    const { Firestore } = await loadDriver(name, () => import('@google-cloud/firestore'));
    return new Firestore({ ...this.#options.options, ...this.#calls.clientOptions });
  }

  #withKeys(digests: readonly string[]): Promise<QuerySnapshot> {
    const query = this.#records.where('keys', 'array-contains-any', digests);
    return this.#calls.run(() => query.get());
  }

  /** In the order of creation. What has no `created`, such as the store document, is not among them. */
  #page(size: number, last?: DocumentSnapshot): Promise<QuerySnapshot> {
    const all = this.#records.orderBy('created').limit(size);
    const query = last === undefined ? all : all.startAfter(last);
    return this.#calls.run(() => query.get());
  }

  /**
   * Carries a batch out, and sees to the highest deleted version in the same step.
   *
   * @param deleted the highest version that the batch deletes
   * @param isDecidedOn whether the highest deleted version must still be what it was
   * @returns {@link STALE} where something is not as it was read, and nothing was written
   */
  async #write(
    batch: WriteBatch,
    deleted: number,
    isDecidedOn = false,
  ): Promise<readonly WriteResult[] | typeof STALE> {
    const isWritten = isDecidedOn || deleted > this.#store.deletedVersion;
    const deletedVersion = Math.max(deleted, this.#store.deletedVersion);
    if (isWritten) batch.update(this.#records.doc(STORE), { deletedVersion }, asRead(this.#store));
    const results = await this.#calls.commit(batch);
    if (!isWritten) return results;
    if (results === STALE) await this.#readStore();
    else this.#store = { deletedVersion, updateTime: results.at(-1)?.writeTime };
    return results;
  }

  /** @param docs at most {@link RECORDS_PER_COMMIT} */
  async #remove(docs: readonly DocumentSnapshot[]): Promise<undefined | typeof STALE> {
    const batch = this.#db.batch();
    for (const doc of docs) {
      const kept = [doc.id, ...textsIn(doc, 'shared')];
      for (const key of textsIn(doc, 'keys')) {
        if (!kept.includes(key)) batch.delete(this.#keys.doc(key));
      }
      batch.delete(doc.ref, asRead(doc));
    }
    if ((await this.#write(batch, Math.max(...docs.map(versionIn)))) === STALE) return STALE;
  }

  /**
   * After a commit that lost: it may have won, and been sent again by a client of somebody else
   * after its answer was lost. And the key documents that it found may be without a record.
   */
  async #afterLoss(
    ref: DocumentReference,
    writeId: string,
    keys: readonly string[],
  ): Promise<FirestoreEntry | typeof STALE> {
    const refs = keys.map((key) => this.#keys.doc(key));
    const [doc, ...found] = await this.#calls.run(() => this.#db.getAll(ref, ...refs));
    if (doc && textsIn(doc, 'writeIds').includes(writeId)) return entryIn(doc);
    const taken = found.filter(({ exists }) => exists);
    if (taken.length === 0) return STALE;
    // Nobody can come to have such a value meanwhile: it would have to create the key document.
    const { docs } = await this.#withKeys(taken.map(({ id }) => id));
    const held = docs.flatMap((each) => textsIn(each, 'keys'));
    const batch = this.#db.batch();
    for (const each of taken) if (!held.includes(each.id)) batch.delete(each.ref, asRead(each));
    await this.#calls.commit(batch);
    return STALE;
  }

  async #readStore(): Promise<void> {
    const ref = this.#records.doc(STORE);
    const doc = await this.#calls.run(() => ref.get());
    if (!doc.exists) {
      // By the former version, which had no store document, or by nobody yet.
      await migrateAll(this.#records, this.#keys, this.#calls);
      const batch = this.#db.batch();
      batch.create(ref, { schema: SCHEMA, deletedVersion: 0 });
      // Another process may have done it meanwhile.
      await this.#calls.commit(batch);
      return this.#readStore();
    }
    if (Number(doc.get('schema')) !== SCHEMA) {
      throw new TokenStoreError(
        'SCHEMA_UNKNOWN',
        `The collection ${this.#options.collection} was written by a later version. Upgrade, or name another collection; it was left as it is.`,
      );
    }
    const deletedVersion = Number(doc.get('deletedVersion'));
    this.#store = { deletedVersion, updateTime: doc.updateTime };
  }
}
