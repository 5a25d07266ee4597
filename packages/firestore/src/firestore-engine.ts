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
import { loadDriver, newId, refuseOtherVersion } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type DigestedKey,
  type Engine,
  type Snapshot,
  STALE,
  withWriteId,
} from '@tokenkeep/core/adapter/server';
import { BoundedCalls } from './bounded-calls.ts';
import {
  asRead,
  entryIn,
  type FirestoreEntry,
  holderIn,
  recordIn,
  textsIn,
  versionIn,
} from './documents.ts';
import { translateError } from './errors.ts';
import { isFormer, migrate, migrateAll } from './migration.ts';
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
 * document, which the database lets only one do, and which is deleted with the record. One that joins
 * (another user's or client's may have the same value) marks the value as shared in the first. From
 * then on whatever happens to a record with it changes the key document, which so tells whether all
 * of them are as they were read; and it stays when they go: else a save that read before the first
 * had the value could create it beside the second.
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
    const deletedVersion = this.#store.deletedVersion;
    const digests = digestsOf(keys);
    if (guess !== undefined) {
      // One document, not a query: it tells whether others have its keys.
      const doc = await this.#run(() => guess.ref.get());
      if (doc.updateTime?.isEqual(guess.updateTime)) return { entries: [guess], deletedVersion };
      const now = doc.exists ? holderIn(doc) : undefined;
      const isSole = (digest: string) =>
        now?.keys.includes(digest) === true && !now.sharedKeys.includes(digest);
      if (digests.every(isSole)) return { entries: [entryIn(doc)], deletedVersion };
    }
    const { docs } = await this.#withKeys(digests);
    if (!docs.some(isFormer)) return { entries: docs.map(entryIn), deletedVersion };
    // A process of the former version is still at work.
    await migrate(docs.filter(isFormer), this.#keys, this.#calls);
    return this.read(keys);
  }

  async commit(commit: Commit<FirestoreEntry>): Promise<FirestoreEntry | typeof STALE> {
    const { writeId, record, replaces, absorbs, others, removedKeys, absentKeys } = commit;
    const highest = Math.max(0, ...absorbs.map((entry) => entry.record.version));
    const { deletedVersion = highest } = commit;
    const isDecidedOn = commit.deletedVersion !== undefined;
    if (isDecidedOn && deletedVersion !== this.#store.deletedVersion) return STALE;
    const keys = digestsOf(commit.keys);
    const before = replaces === null ? absorbs : [replaces, ...absorbs];
    const sharedKeys = keys.filter(
      (key) =>
        before.some((entry) => entry.sharedKeys.includes(key)) ||
        others.some((entry) => entry.keys.includes(key)),
    );
    const newKeys = commit.addedKeys.filter(
      ({ field, digest }) =>
        field !== 'id' && ![...absorbs, ...others].some((entry) => entry.keys.includes(digest)),
    );

    const batch = this.#db.batch();
    const ref = replaces?.ref ?? this.#records.doc(keys[0] ?? '');
    const writeIds = withWriteId(writeId, replaces?.writeIds);
    const fields = { record: JSON.stringify(record), keys, shared: sharedKeys, writeIds };
    if (replaces !== null) batch.update(ref, fields, asRead(replaces));
    else batch.create(ref, { ...fields, created: this.#fieldValue.serverTimestamp() });
    for (const entry of absorbs) batch.delete(entry.ref, asRead(entry));
    for (const entry of others) {
      const common = entry.keys.filter((key) => keys.includes(key));
      if (common.length > 0 && common.every((key) => entry.sharedKeys.includes(key))) continue;
      const shared = [...new Set([...entry.sharedKeys, ...common])];
      batch.update(entry.ref, { shared, joinedBy: writeId }, asRead(entry));
    }
    const isShared = (key: string) => others.some((entry) => entry.sharedKeys.includes(key));
    const shared = new Set(before.flatMap((entry) => entry.sharedKeys));
    for (const key of sharedKeys) if (isShared(key)) shared.add(key);
    const readTime = [...before, ...others][0]?.readTime;
    if ((await this.#touch(batch, [...shared], writeId, readTime)) === STALE) return STALE;
    for (const { digest } of newKeys) batch.create(this.#keys.doc(digest), {});
    for (const { field, digest } of absentKeys) {
      const place = field === 'id' ? this.#records : this.#keys;
      batch.delete(place.doc(digest), { exists: false });
    }
    for (const { field, digest } of removedKeys) {
      if (field !== 'id' && !shared.has(digest)) batch.delete(this.#keys.doc(digest));
    }
    const results = await this.#write(batch, deletedVersion, isDecidedOn);
    if (results === STALE) return this.#afterLoss(ref, writeId, [...newKeys, ...absentKeys]);
    const updateTime = results[0]?.writeTime;
    if (updateTime === undefined) throw new Error('a commit without a result');
    return { ref, record, keys, sharedKeys, writeIds, updateTime, readTime: undefined };
  }

  async delete(
    { digest }: DigestedKey,
    ifVersion: number | undefined,
  ): Promise<undefined | typeof STALE> {
    const doc = await this.#run(() => this.#records.doc(digest).get());
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
    let last: DocumentSnapshot | undefined;
    for (;;) {
      const { docs, readTime } = await this.#page(size, last);
      began ??= readTime.valueOf();
      const end = began;
      const old = docs.filter(({ createTime }) => createTime.valueOf() <= end);
      if (old.length === 0) return;
      if ((await this.#remove(old)) === STALE) {
        // One of them was saved meanwhile: one at a time, so that it does not hold up the others.
        size = 1;
      } else {
        size = RECORDS_PER_COMMIT;
        last = old.at(-1);
      }
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

  #run<T>(step: () => Promise<T>): Promise<T> {
    return this.#calls.run(step);
  }

  #withKeys(digests: readonly string[]): Promise<QuerySnapshot> {
    return this.#run(() => this.#records.where('keys', 'array-contains-any', digests).get());
  }

  /** In the order of creation. What has no `created`, such as the store document, is not among them. */
  #page(size: number, last: DocumentSnapshot | undefined): Promise<QuerySnapshot> {
    const all = this.#records.orderBy('created').limit(size);
    const query = last === undefined ? all : all.startAfter(last);
    return this.#run(() => query.get());
  }

  /**
   * Carries a batch out, and sees to the highest deleted version in the same step.
   *
   * @param deletedVersion what it has to be at least
   * @param isDecidedOn whether it must be that still
   * @returns {@link STALE} where something is not as it was read, and nothing was written
   */
  async #write(
    batch: WriteBatch,
    deletedVersion = 0,
    isDecidedOn = false,
  ): Promise<readonly WriteResult[] | typeof STALE> {
    const isWritten = isDecidedOn || deletedVersion > this.#store.deletedVersion;
    if (isWritten) batch.update(this.#records.doc(STORE), { deletedVersion }, asRead(this.#store));
    const results = await this.#calls.commit(batch);
    if (results === STALE) {
      if (isWritten) await this.#readStore();
      return STALE;
    }
    const updateTime = results.at(-1)?.writeTime;
    if (isWritten && updateTime) this.#store = { deletedVersion, updateTime };
    return results;
  }

  /**
   * Changes the key documents of shared values, as one of their records changes.
   *
   * @param readTime they must not have changed since
   */
  async #touch(
    batch: WriteBatch,
    keys: readonly string[],
    writeId: string,
    readTime?: Timestamp,
  ): Promise<undefined | typeof STALE> {
    const refs = keys.map((key) => this.#keys.doc(key));
    if (readTime === undefined || refs.length === 0) {
      for (const ref of refs) batch.set(ref, { changedBy: writeId });
      return;
    }
    for (const doc of await this.#run(() => this.#db.getAll(...refs))) {
      const { ref, updateTime } = doc;
      if (updateTime === undefined) batch.create(ref, { changedBy: writeId });
      else if (updateTime.valueOf() > readTime.valueOf()) return STALE;
      else batch.update(ref, { changedBy: writeId }, asRead(doc));
    }
  }

  /** @param docs at most {@link RECORDS_PER_COMMIT} */
  async #remove(docs: readonly DocumentSnapshot[]): Promise<undefined | typeof STALE> {
    const batch = this.#db.batch();
    const shared = new Set<string>();
    let deletedVersion = 0;
    for (const doc of docs) {
      const holder = holderIn(doc);
      for (const key of holder.keys) {
        if (holder.sharedKeys.includes(key)) shared.add(key);
        else if (key !== doc.id) batch.delete(this.#keys.doc(key));
      }
      batch.delete(doc.ref, asRead(holder));
      deletedVersion = Math.max(deletedVersion, versionIn(doc));
    }
    await this.#touch(batch, [...shared], newId());
    if ((await this.#write(batch, deletedVersion)) === STALE) return STALE;
  }

  /**
   * After a commit that lost: it may have won, and been sent again by a client of somebody else
   * after its answer was lost. And the key documents that it found may be without a record.
   */
  async #afterLoss(
    ref: DocumentReference,
    writeId: string,
    keys: readonly DigestedKey[],
  ): Promise<FirestoreEntry | typeof STALE> {
    if (keys.length === 0 && this.#options.firestore === undefined) return STALE;
    const refs = keys.map(({ digest }) => this.#keys.doc(digest));
    const [doc, ...found] = await this.#run(() => this.#db.getAll(ref, ...refs));
    if (doc && textsIn(doc, 'writeIds').includes(writeId)) return entryIn(doc);
    const taken = found.filter(({ exists }) => exists);
    if (taken.length === 0) return STALE;
    // Nobody can come to have such a value meanwhile: it would have to create the key document.
    const { docs } = await this.#withKeys(taken.map(({ id }) => id));
    const held = docs.flatMap((each) => textsIn(each, 'keys'));
    const left = taken.filter(({ id }) => !held.includes(id));
    const batch = this.#db.batch();
    for (const each of left) batch.delete(each.ref, asRead(each));
    if (left.length > 0) await this.#calls.commit(batch);
    return STALE;
  }

  async #readStore(): Promise<void> {
    const ref = this.#records.doc(STORE);
    let doc = await this.#run(() => ref.get());
    if (!doc.exists) {
      // By the former version, which had no store document, or by nobody yet.
      await migrateAll(this.#records, this.#keys, this.#calls);
      const batch = this.#db.batch();
      batch.create(ref, { schema: SCHEMA, deletedVersion: 0 });
      // Another process may have done it meanwhile.
      await this.#calls.commit(batch);
      doc = await this.#run(() => ref.get());
    }
    if (Number(doc.get('schema')) !== SCHEMA) {
      throw new TokenStoreError(
        'SCHEMA_UNKNOWN',
        `The collection ${this.#options.collection} was written by a later version. Upgrade, or name another collection; it was left as it is.`,
      );
    }
    this.#store = {
      deletedVersion: Number(doc.get('deletedVersion')),
      updateTime: doc.updateTime,
    };
  }
}

function digestsOf(keys: readonly DigestedKey[]): string[] {
  return keys.map(({ digest }) => digest);
}
