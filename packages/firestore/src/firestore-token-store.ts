import { randomUUID } from 'node:crypto';
import type {
  DocumentReference,
  DocumentSnapshot,
  Firestore,
  Precondition,
  QueryDocumentSnapshot,
  WriteBatch,
} from '@google-cloud/firestore';
import {
  type Decide,
  keyDigest,
  OptimisticSaver,
  type RecordChange,
  StorageTokenStore,
  type StoredRecord,
  type TokenKey,
  type TokenStorage,
  type TokenStoreError,
} from '@tokenkeep/core';
import { inTime, isLostRace, translateError } from './errors.ts';
import { checkOptions, type FirestoreTokenStoreOptions } from './options.ts';
import { digestsIn, recordFields, recordKeys, storedRecord } from './record-document.ts';

/**
 * A token store in a collection of Google Cloud Firestore (Native mode).
 *
 * Each record is a document. Beside it stands an empty document for each value that it can be found
 * by: the database refuses to create one that exists, so that of two racing saves of one user one
 * loses and reads again. A save is one query and one commit.
 *
 * @example
 * const store = new FirestoreTokenStore({ settings: { projectId: 'my-project' } });
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class FirestoreTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: FirestoreTokenStoreOptions = {}) {
    super(new FirestoreStorage(options));
  }
}

/** A commit writes up to 500 documents: a record, and up to five for its keys. */
const RECORDS_PER_COMMIT = 80;

class FirestoreStorage implements TokenStorage {
  readonly #options: ReturnType<typeof checkOptions>;
  readonly #saver = new OptimisticSaver();
  #firestore: Firestore | undefined;

  constructor(options: FirestoreTokenStoreOptions) {
    this.#options = checkOptions(options);
  }

  async open(): Promise<void> {
    const { firestore, settings } = this.#options;
    if (firestore !== undefined) {
      this.#firestore = firestore;
    } else {
      const driver = await import('@google-cloud/firestore');
      this.#firestore ??= new driver.Firestore({ ...settings });
    }
    // A read tells whether the server is there and lets us in; there is nothing to create.
    await this.#inTime(this.#records.limit(1).get());
  }

  async find(keys: readonly TokenKey[]): Promise<StoredRecord[]> {
    const found = await this.#inTime(this.#holders(keys).get());
    return found.docs.map(storedRecord);
  }

  save(keys: readonly TokenKey[], decide: Decide): Promise<void> {
    // So that a commit which was carried out, but whose answer was lost, is known again.
    const writer = randomUUID();
    let attempts = 0;
    return this.#saver.repeat(keys, async () => {
      attempts += 1;
      const left = attempts === 1 ? [] : await this.#leftKeys(keys);
      const seen = keys.length === 0 ? [] : (await this.#inTime(this.#holders(keys).get())).docs;
      if (seen.some((doc) => doc.get('writer') === writer)) return true;
      const change = decide(seen.map(storedRecord));
      return (
        change === null || this.#commit((batch) => this.#write(batch, change, writer, seen, left))
      );
    });
  }

  delete(id: string): Promise<void> {
    return this.#saver.repeat([{ field: 'id', value: id }], async () => {
      const doc = await this.#inTime(this.#recordReference(id).get());
      return !doc.exists || this.#commit((batch) => this.#remove(batch, doc));
    });
  }

  async all(): Promise<StoredRecord[]> {
    const { docs } = await this.#inTime(this.#records.get());
    return docs.toSorted(byCreation).map(storedRecord);
  }

  async clear(): Promise<void> {
    const { docs } = await this.#inTime(this.#records.select('keys', 'shared').get());
    for (let start = 0; start < docs.length; start += RECORDS_PER_COMMIT) {
      let some: readonly DocumentSnapshot[] = docs.slice(start, start + RECORDS_PER_COMMIT);
      await this.#saver.repeat([], async () => {
        const done = await this.#commit((batch) => {
          for (const doc of some) this.#remove(batch, doc);
        });
        if (!done) some = await this.#existing(some.map((doc) => doc.ref));
        return done;
      });
    }
  }

  async close(): Promise<void> {
    if (this.#options.firestore === undefined) await this.#firestore?.terminate();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateError(error);
  }

  get #client(): Firestore {
    if (this.#firestore === undefined) throw new Error('the store is not open');
    return this.#firestore;
  }

  get #records(): ReturnType<Firestore['collection']> {
    return this.#client.collection(this.#options.collection);
  }

  #recordReference(id: string): DocumentReference {
    return this.#records.doc(keyDigest({ field: 'id', value: id }));
  }

  /** The document that stands for a key's value, and can be created once. */
  #keyReference(digest: string): DocumentReference {
    return this.#client.collection(`${this.#options.collection}_keys`).doc(digest);
  }

  #holders(keys: readonly TokenKey[]): ReturnType<ReturnType<Firestore['collection']>['where']> {
    return this.#records.where('keys', 'array-contains-any', keys.map(keyDigest));
  }

  /**
   * Puts a record in the place of others.
   *
   * A record that is the first to have a key's value creates the key's document, which the database
   * lets only one do. Records that name different users or clients may share a value: one that
   * joins others touches each of them, on the condition that it is as it was seen, and marks the
   * key as shared. A key's document goes with its record, but stays for ever once it was shared:
   * else a save that saw nobody long ago could still create it, beside one that joined meanwhile.
   *
   * @param left key documents without a record, as they were before `seen` was read
   */
  #write(
    batch: WriteBatch,
    change: RecordChange,
    writer: string,
    seen: readonly DocumentSnapshot[],
    left: readonly DocumentSnapshot[],
  ): void {
    const { record, replaces, absorbs } = change;
    const reference = this.#recordReference(record.id);
    const goes = new Set(
      [...absorbs, ...(replaces === null ? [] : [replaces])].map(
        ({ id }) => this.#recordReference(id).path,
      ),
    );
    const before = seen.filter((doc) => goes.has(doc.ref.path));
    const others = seen.filter((doc) => !goes.has(doc.ref.path));
    const held = before.flatMap((doc) => digestsIn(doc, 'keys'));
    const shared = new Set(before.flatMap((doc) => digestsIn(doc, 'shared')));
    const keys = recordKeys(record);
    for (const digest of keys) {
      if (others.some((doc) => digestsIn(doc, 'keys').includes(digest))) {
        shared.add(digest);
        continue;
      }
      if (held.includes(digest)) continue;
      const old = left.find((doc) => doc.id === digest);
      if (old?.updateTime === undefined) {
        batch.create(this.#keyReference(digest), {});
      } else {
        shared.add(digest);
        batch.update(old.ref, { writer }, { lastUpdateTime: old.updateTime });
      }
    }
    for (const doc of others) {
      const common = digestsIn(doc, 'keys').filter((digest) => keys.includes(digest));
      const mark = { shared: [...new Set([...digestsIn(doc, 'shared'), ...common])] };
      batch.update(doc.ref, mark, asSeen(doc));
    }
    for (const digest of new Set(held)) {
      if (!keys.includes(digest) && !shared.has(digest)) batch.delete(this.#keyReference(digest));
    }
    for (const doc of before) {
      if (doc.ref.path !== reference.path) batch.delete(doc.ref, asSeen(doc));
    }
    const fields = {
      ...recordFields(record),
      keys,
      shared: keys.filter((digest) => shared.has(digest)),
      writer,
    };
    const former = before.find((doc) => doc.ref.path === reference.path);
    if (former === undefined) batch.create(reference, fields);
    else batch.update(reference, fields, asSeen(former));
  }

  #remove(batch: WriteBatch, doc: DocumentSnapshot): void {
    const shared = digestsIn(doc, 'shared');
    for (const digest of digestsIn(doc, 'keys')) {
      if (!shared.includes(digest)) batch.delete(this.#keyReference(digest));
    }
    batch.delete(doc.ref, asSeen(doc));
  }

  /** @returns whether it was carried out; `false` where something is not as it was seen */
  async #commit(fill: (batch: WriteBatch) => void): Promise<boolean> {
    const batch = this.#client.batch();
    fill(batch);
    try {
      await this.#inTime(batch.commit());
      return true;
    } catch (error) {
      if (isLostRace(error)) return false;
      throw error;
    }
  }

  async #leftKeys(keys: readonly TokenKey[]): Promise<DocumentSnapshot[]> {
    return this.#existing(keys.map((key) => this.#keyReference(keyDigest(key))));
  }

  async #existing(references: readonly DocumentReference[]): Promise<DocumentSnapshot[]> {
    if (references.length === 0) return [];
    const docs = await this.#inTime(this.#client.getAll(...references));
    return docs.filter((doc) => doc.exists);
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    return inTime(answer, this.#options.timeout);
  }
}

/** The condition that a document is as it was read. */
function asSeen(doc: DocumentSnapshot): Precondition {
  return doc.updateTime === undefined ? { exists: true } : { lastUpdateTime: doc.updateTime };
}

/** The order in which records were first saved: the database's own commit times. */
function byCreation(a: QueryDocumentSnapshot, b: QueryDocumentSnapshot): number {
  const [left, right] = [a.createTime, b.createTime];
  return (
    left.seconds - right.seconds || left.nanoseconds - right.nanoseconds || (a.id < b.id ? -1 : 1)
  );
}
