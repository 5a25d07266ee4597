import { randomUUID } from 'node:crypto';
import type {
  DocumentReference,
  DocumentSnapshot,
  Firestore,
  Precondition,
  QueryDocumentSnapshot,
  WriteBatch,
  WriteResult,
} from '@google-cloud/firestore';
import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import {
  type Decide,
  type RecordChange,
  StorageTokenStore,
  type TokenKey,
  type TokenStorage,
} from '@tokenkeep/core/adapter';
import { Deadline, keyDigest, LastWritten, OptimisticSaver } from '@tokenkeep/core/adapter/server';
import { isLostRace, lateness, translateError } from './errors.ts';
import { checkOptions, type FirestoreTokenStoreOptions } from './options.ts';
import { Places } from './places.ts';
import {
  type Holder,
  holderIn,
  recordFields,
  recordKeys,
  soleKeys,
  storedRecord,
} from './record-document.ts';

/**
 * A token store in a collection of Google Cloud Firestore (Native mode).
 *
 * Each record is a document. Beside it stands an empty document for each value that it can be found
 * by: the database refuses to create one that exists, so that of two racing saves of one user one
 * loses and reads again. A save is one commit if this process was the last to save the record, else
 * a query before it.
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

/** A record as this process wrote it last. */
interface Written {
  readonly record: StoredRecord;
  readonly holder: Holder;
}

/** A save that is going on. */
interface Save {
  readonly keys: readonly TokenKey[];
  readonly digests: readonly string[];
  readonly decide: Decide;
  /** What a commit is known by that was carried out, but whose answer was lost. */
  readonly writer: string;
}

class FirestoreStorage implements TokenStorage {
  readonly #options: ReturnType<typeof checkOptions>;
  readonly #deadline: Deadline;
  readonly #saver = new OptimisticSaver();
  readonly #lastWritten = new LastWritten<Written>();
  readonly #places = new Places();
  #firestore: Firestore | undefined;

  constructor(options: FirestoreTokenStoreOptions) {
    this.#options = checkOptions(options);
    this.#deadline = new Deadline(this.#options.timeout);
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
    const digests = keys.map(keyDigest);
    const place = this.#places.of(digests);
    if (place !== undefined) {
      // Faster than a query, and as good: the document tells whether no other has these keys.
      const doc = await this.#inTime(this.#records.doc(place).get());
      if (isOnlyOne(doc, digests)) return [storedRecord(doc)];
      this.#places.forget(digests);
    }
    const { docs } = await this.#inTime(this.#holders(digests).get());
    for (const doc of docs) if (isOnlyOne(doc, digests)) this.#places.keep(digests, doc.id);
    return docs.map(storedRecord);
  }

  save(keys: readonly TokenKey[], decide: Decide): Promise<void> {
    const save: Save = { keys, digests: keys.map(keyDigest), decide, writer: randomUUID() };
    let attempts = 0;
    return this.#saver.repeat(keys, async () => {
      attempts += 1;
      if (attempts === 1 && (await this.#saveOver(save))) return true;
      const left = attempts === 1 ? [] : await this.#leftKeys(save.digests);
      const { docs } =
        keys.length === 0 ? { docs: [] } : await this.#inTime(this.#holders(save.digests).get());
      const seen = docs.map(holderIn);
      if (seen.some(({ writer }) => writer === save.writer)) return true;
      const change = decide(docs.map(storedRecord));
      return change === null || this.#write(change, save.writer, seen, left);
    });
  }

  delete(id: string): Promise<void> {
    this.#lastWritten.forget(id);
    return this.#saver.repeat([{ field: 'id', value: id }], async () => {
      const doc = await this.#inTime(this.#recordReference(id).get());
      return !doc.exists || this.#remove([doc]);
    });
  }

  async all(): Promise<StoredRecord[]> {
    const { docs } = await this.#inTime(this.#records.get());
    return docs.toSorted(byCreation).map(storedRecord);
  }

  async clear(): Promise<void> {
    this.#lastWritten.clear();
    const { docs } = await this.#inTime(this.#records.select('keys', 'shared').get());
    for (let start = 0; start < docs.length; start += RECORDS_PER_COMMIT) {
      let some: readonly DocumentSnapshot[] = docs.slice(start, start + RECORDS_PER_COMMIT);
      await this.#saver.repeat([], async () => {
        const isDone = await this.#remove(some);
        if (!isDone) some = await this.#existing(some.map((doc) => doc.ref));
        return isDone;
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

  #holders(digests: readonly string[]): ReturnType<ReturnType<Firestore['collection']>['where']> {
    return this.#records.where('keys', 'array-contains-any', digests);
  }

  /** Saves over what this store wrote last, if it is as it was: spares the query. */
  async #saveOver(save: Save): Promise<boolean> {
    const last = this.#lastWritten.take(save.digests);
    if (last === undefined) return false;
    const { record, holder } = last;
    // Another record may have a key that is shared; a key that is new is created, so nobody has it.
    if (save.digests.some((digest) => holder.shared.includes(digest))) return false;
    // An id comes first, and may be that of another.
    if (save.keys.some(({ field, value }) => field === 'id' && value !== record.id)) return false;
    let change: RecordChange | null;
    try {
      change = save.decide([record]);
    } catch {
      // Only what is read is a reason to refuse a save.
      return false;
    }
    if (change === null || change.replaces === null) return false;
    const isSaved = await this.#write(change, save.writer, [holder], []);
    if (!isSaved) this.#lastWritten.giveUp(record.id);
    return isSaved;
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
   * @returns whether it was carried out; `false` where something is not as it was seen
   */
  async #write(
    change: RecordChange,
    writer: string,
    seen: readonly Holder[],
    left: readonly DocumentSnapshot[],
  ): Promise<boolean> {
    const { record, replaces, absorbs } = change;
    const reference = this.#recordReference(record.id);
    const goes = new Set(
      [...absorbs, ...(replaces === null ? [] : [replaces])].map(
        ({ id }) => this.#recordReference(id).path,
      ),
    );
    const before = seen.filter((holder) => goes.has(holder.ref.path));
    const others = seen.filter((holder) => !goes.has(holder.ref.path));
    const held = before.flatMap((holder) => holder.keys);
    const shared = new Set(before.flatMap((holder) => holder.shared));
    const keys = recordKeys(record);
    const batch = this.#client.batch();
    for (const digest of keys) {
      if (others.some((holder) => holder.keys.includes(digest))) {
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
    for (const other of others) {
      const common = other.keys.filter((digest) => keys.includes(digest));
      batch.update(
        other.ref,
        { shared: [...new Set([...other.shared, ...common])] },
        asSeen(other),
      );
    }
    for (const digest of new Set(held)) {
      if (!keys.includes(digest) && !shared.has(digest)) batch.delete(this.#keyReference(digest));
    }
    for (const holder of before) {
      if (holder.ref.path !== reference.path) batch.delete(holder.ref, asSeen(holder));
    }
    const holds = { keys, shared: keys.filter((digest) => shared.has(digest)), writer };
    const fields = { ...recordFields(record), ...holds };
    const former = before.find((holder) => holder.ref.path === reference.path);
    if (former === undefined) batch.create(reference, fields);
    else batch.update(reference, fields, asSeen(former));

    const results = await this.#commit(batch);
    if (results === undefined) return false;
    const holder: Holder = { ...holds, ref: reference, updateTime: results.at(-1)?.writeTime };
    for (const { id } of absorbs) this.#lastWritten.forget(id);
    this.#lastWritten.keep(record, soleKeys(holder), { record, holder });
    this.#places.keep(soleKeys(holder), reference.id);
    return true;
  }

  /** @returns whether it was carried out; `false` where something is not as it was seen */
  async #remove(docs: readonly DocumentSnapshot[]): Promise<boolean> {
    const batch = this.#client.batch();
    for (const holder of docs.map(holderIn)) {
      for (const digest of soleKeys(holder)) batch.delete(this.#keyReference(digest));
      batch.delete(holder.ref, asSeen(holder));
    }
    return (await this.#commit(batch)) !== undefined;
  }

  /** @returns what it wrote; `undefined` where something is not as it was seen, and nothing was written */
  async #commit(batch: WriteBatch): Promise<readonly WriteResult[] | undefined> {
    try {
      return await this.#inTime(batch.commit());
    } catch (error) {
      if (isLostRace(error)) return undefined;
      throw error;
    }
  }

  async #leftKeys(digests: readonly string[]): Promise<DocumentSnapshot[]> {
    return this.#existing(digests.map((digest) => this.#keyReference(digest)));
  }

  async #existing(references: readonly DocumentReference[]): Promise<DocumentSnapshot[]> {
    if (references.length === 0) return [];
    const docs = await this.#inTime(this.#client.getAll(...references));
    return docs.filter((doc) => doc.exists);
  }

  #inTime<T>(answer: Promise<T>): Promise<T> {
    return this.#deadline.for(answer, () => lateness(this.#options.timeout));
  }
}

/** Whether it has all these keys, and no other document has one of them. */
function isOnlyOne(doc: DocumentSnapshot, digests: readonly string[]): boolean {
  if (!doc.exists) return false;
  const sole = soleKeys(holderIn(doc));
  return digests.every((digest) => sole.includes(digest));
}

/** The condition that a document is as it was read. */
function asSeen({ updateTime }: Holder): Precondition {
  return updateTime === undefined ? { exists: true } : { lastUpdateTime: updateTime };
}

/** The order in which records were first saved: the database's own commit times. */
function byCreation(a: QueryDocumentSnapshot, b: QueryDocumentSnapshot): number {
  const [left, right] = [a.createTime, b.createTime];
  return (
    left.seconds - right.seconds || left.nanoseconds - right.nanoseconds || (a.id < b.id ? -1 : 1)
  );
}
