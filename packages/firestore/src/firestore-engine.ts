import type {
  CollectionReference,
  DocumentReference,
  DocumentSnapshot,
  FieldValue,
  Firestore,
  Precondition,
  QueryDocumentSnapshot,
  QuerySnapshot,
  Timestamp,
  WriteBatch,
  WriteResult,
} from '@google-cloud/firestore';
import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { refuseOtherVersion } from '@tokenkeep/core/adapter';
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
  entryIn,
  type FirestoreEntry,
  holderIn,
  isFormer,
  migratedFields,
  recordIn,
  versionIn,
} from './documents.ts';
import { driverUnavailable, isLostRace, schemaUnknown, translateError } from './errors.ts';
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
 * document, which the database lets only one do. One that joins it (another user's or client's may
 * have the same value) touches every record that has it, if those are as they were read, and marks
 * the value as shared there. The key document is deleted with its record, but not if it was ever
 * shared: then a save that read before the first had it could create it beside the second.
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
    await this.#migrate(docs);
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
      const shared = [...new Set([...entry.sharedKeys, ...common])];
      // A document in which nothing changes keeps its update time: hence `joinedBy`.
      batch.update(entry.ref, { shared, joinedBy: writeId }, asRead(entry));
    }
    for (const { digest } of newKeys) batch.create(this.#keys.doc(digest), {});
    for (const { field, digest } of absentKeys) {
      const place = field === 'id' ? this.#records : this.#keys;
      batch.delete(place.doc(digest), { exists: false });
    }
    for (const { field, digest } of removedKeys) {
      const isShared = before.some((entry) => entry.sharedKeys.includes(digest));
      if (field !== 'id' && !isShared) batch.delete(this.#keys.doc(digest));
    }
    const results = await this.#write(batch, deletedVersion, isDecidedOn);
    if (results === STALE) return this.#afterLoss(ref, writeId, [...newKeys, ...absentKeys]);
    const updateTime = results[0]?.writeTime;
    if (updateTime === undefined) throw new Error('a commit without a result');
    return { ref, record, keys, sharedKeys, writeIds, updateTime };
  }

  async delete(
    { digest }: DigestedKey,
    ifVersion: number | undefined,
  ): Promise<undefined | typeof STALE> {
    const doc = await this.#run(() => this.#records.doc(digest).get());
    // Without a version to compare, a damaged record goes as well.
    if (ifVersion !== undefined)
      refuseOtherVersion(doc.exists ? recordIn(doc) : null, { ifVersion });
    if (doc.exists) return this.#remove([doc]);
  }

  async *pages(): AsyncGenerator<StoredRecord[]> {
    for await (const { docs } of this.#pages(PAGE_SIZE)) yield docs.map(recordIn);
  }

  async clear(): Promise<void> {
    let began: Timestamp | undefined;
    for await (const { docs, readTime } of this.#pages(RECORDS_PER_COMMIT)) {
      began ??= readTime;
      const end = began;
      const wasThere = ({ createTime }: DocumentSnapshot) =>
        `${createTime?.valueOf()}` <= end.valueOf();
      let left: DocumentSnapshot[] = docs.filter(wasThere);
      if (left.length === 0) return;
      let count = left.length;
      while (left.length > 0) {
        if ((await this.#remove(left.slice(0, count))) !== STALE) {
          left = left.slice(count);
        } else {
          // One of them was saved meanwhile: one at a time, so that it does not hold up the others.
          count = 1;
          const refs = left.map(({ ref }) => ref);
          const docs = await this.#run(() => this.#db.getAll(...refs));
          left = docs.filter((doc) => doc.exists && wasThere(doc));
        }
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
    const driver = await import('@google-cloud/firestore').catch((error) => {
      throw driverUnavailable(error);
    });
    return new driver.Firestore({ ...this.#options.options, ...this.#calls.clientOptions });
  }

  #run<T>(step: () => Promise<T>): Promise<T> {
    return this.#calls.run(step);
  }

  #withKeys(digests: readonly string[]): Promise<QuerySnapshot> {
    return this.#run(() => this.#records.where('keys', 'array-contains-any', digests).get());
  }

  /** In the order of creation. What has no `created`, such as the store document, is not among them. */
  async *#pages(size: number): AsyncGenerator<QuerySnapshot> {
    let page: QuerySnapshot | undefined;
    do {
      const query = this.#records.orderBy('created').limit(size);
      const last = page?.docs.at(-1);
      page = await this.#run(() => (last === undefined ? query : query.startAfter(last)).get());
      yield page;
    } while (page.size === size);
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
    try {
      const results = await this.#run(() => batch.commit());
      const updateTime = results.at(-1)?.writeTime;
      if (isWritten && updateTime) this.#store = { deletedVersion, updateTime };
      return results;
    } catch (error) {
      if (!isLostRace(error)) throw error;
      if (isWritten) await this.#readStore();
      return STALE;
    }
  }

  /** @param docs at most {@link RECORDS_PER_COMMIT} */
  async #remove(docs: readonly DocumentSnapshot[]): Promise<undefined | typeof STALE> {
    const batch = this.#db.batch();
    let deletedVersion = 0;
    for (const doc of docs) {
      const holder = holderIn(doc);
      for (const key of holder.keys) {
        if (key !== doc.id && !holder.sharedKeys.includes(key)) batch.delete(this.#keys.doc(key));
      }
      batch.delete(doc.ref, asRead(holder));
      deletedVersion = Math.max(deletedVersion, versionIn(doc));
    }
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
    const refs = keys.map(({ digest }) => this.#keys.doc(digest));
    const [doc, ...keyDocs] = await this.#run(() => this.#db.getAll(ref, ...refs));
    if (doc?.exists && entryIn(doc).writeIds.includes(writeId)) return entryIn(doc);
    const found = keyDocs.filter(({ exists }) => exists);
    if (found.length === 0) return STALE;
    // Nobody can come to have such a value meanwhile: it would have to create the key document.
    const { docs } = await this.#withKeys(found.map(({ id }) => id));
    const held = docs.flatMap((each) => holderIn(each).keys);
    const left = found.filter(({ id }) => !held.includes(id));
    const batch = this.#db.batch();
    for (const each of left) batch.delete(each.ref, asRead(each));
    if (left.length > 0) await this.#write(batch);
    return STALE;
  }

  async #readStore(): Promise<void> {
    const ref = this.#records.doc(STORE);
    let doc = await this.#run(() => ref.get());
    if (!doc.exists) {
      await this.#migrateAll();
      const batch = this.#db.batch().create(ref, { schema: SCHEMA, deletedVersion: 0 });
      // Another process may have created it meanwhile.
      await this.#run(() => batch.commit()).catch((error) => {
        if (!isLostRace(error)) throw error;
      });
      doc = await this.#run(() => ref.get());
    }
    if (Number(doc.get('schema')) !== SCHEMA) throw schemaUnknown(this.#options.collection);
    this.#store = {
      deletedVersion: Number(doc.get('deletedVersion')),
      updateTime: doc.updateTime,
    };
  }

  /** The former version had no store document, and everything else in other fields. */
  async #migrateAll(): Promise<void> {
    let last: DocumentSnapshot | undefined;
    for (;;) {
      const query = this.#records.limit(RECORDS_PER_COMMIT);
      const start = last;
      const { docs } = await this.#run(() => (start ? query.startAfter(start) : query).get());
      if (docs.length === 0) return;
      if (await this.#migrate(docs)) last = docs.at(-1);
    }
  }

  /** @returns `false` where one of them has changed meanwhile, and nothing was written */
  async #migrate(docs: readonly QueryDocumentSnapshot[]): Promise<boolean> {
    const batch = this.#db.batch();
    for (const doc of docs) {
      if (doc.id === STORE || !isFormer(doc)) continue;
      const fields = { ...migratedFields(doc), writer: this.#fieldValue.delete() };
      batch.update(doc.ref, fields, asRead(doc));
      batch.delete(this.#keys.doc(doc.id));
    }
    return (await this.#write(batch)) !== STALE;
  }
}

/** The condition that a document is as it was read. */
function asRead({ updateTime }: { readonly updateTime?: Timestamp | undefined }): Precondition {
  if (updateTime === undefined) throw new Error('the document was not read');
  return { lastUpdateTime: updateTime };
}

function digestsOf(keys: readonly DigestedKey[]): string[] {
  return keys.map(({ digest }) => digest);
}
