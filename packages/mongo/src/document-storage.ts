import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import type { Decide, TokenKey } from '@tokenkeep/core/adapter';
import { keyDigest, LastWritten } from '@tokenkeep/core/adapter/server';
import { halvesOf, isConsistent, sortOut } from './claims.ts';
import type { Documents, RecordDocument } from './documents.ts';
import { RecordWriter } from './record-writer.ts';

/** Tries again until it works: `OptimisticSaver` of core. */
export interface Repeat {
  repeat(keys: readonly TokenKey[], attempt: () => Promise<boolean>): Promise<void>;
}

/** As often as this a reader looks again if what it read can not have been there at one moment. */
const MOST_READS = 20;

/** Records in documents: everything of a storage but opening, closing and the driver. */
export class DocumentStorage {
  readonly #documents: Documents;
  readonly #saver: Repeat;
  readonly #lockPatience: number;
  readonly #lastWritten = new LastWritten<RecordDocument>();

  /** @param lockPatience how long a lock may be held before it is broken: milliseconds */
  constructor(documents: Documents, saver: Repeat, lockPatience: number) {
    this.#documents = documents;
    this.#saver = saver;
    this.#lockPatience = lockPatience;
  }

  async find(keys: readonly TokenKey[]): Promise<StoredRecord[]> {
    const digests = keys.map(keyDigest);
    const sole = await this.#soleHolder(digests);
    if (sole !== undefined) return recordsOf([sole]);
    // A record that takes the place of another may be missed while the other is already gone. An
    // id is never taken over.
    const mayBeMissed = keys.some((key) => key.field !== 'id');
    for (let reads = 1; ; reads += 1) {
      const { records } = sortOut(digests, await this.#documents.findDurable(digests));
      const isToBeSeenTwice = records.length === 0 && mayBeMissed && reads === 1;
      if ((isConsistent(records) && !isToBeSeenTwice) || reads === MOST_READS) {
        return recordsOf(records);
      }
    }
  }

  async save(keys: readonly TokenKey[], decide: Decide): Promise<void> {
    const digests = keys.map(keyDigest);
    const writer = this.#writer();
    try {
      await this.#saver.repeat(keys, () => writer.save(digests, decide));
    } finally {
      await writer.end().catch(() => {});
    }
  }

  delete(id: string): Promise<void> {
    const key: TokenKey = { field: 'id', value: id };
    const writer = this.#writer();
    this.#lastWritten.forget(id);
    return this.#saver.repeat([key], () => writer.remove(id, keyDigest(key)));
  }

  async all(): Promise<StoredRecord[]> {
    let merges = await this.#documents.merges();
    for (let reads = 1; reads <= MOST_READS; reads += 1) {
      const { records } = sortOut([], await this.#documents.allRecords());
      // Had a record been absorbed and removed meanwhile, neither it nor what it became might be seen.
      const mergesBefore = merges;
      merges = await this.#documents.merges();
      if (merges === mergesBefore && (isConsistent(records) || reads === MOST_READS)) {
        return recordsOf(records.toSorted((a, b) => a.order - b.order));
      }
    }
    throw new TokenStoreError(
      'CONTENTION',
      'Other saves changed the same records all the time. Try again later.',
      { retryable: true },
    );
  }

  async clear(): Promise<void> {
    this.#lastWritten.clear();
    // In this order: who has, or had, the lock of one of these gates has a number up to the last.
    const gates = await this.#documents.gates();
    const lastOrder = await this.#documents.lastOrder();
    await this.#documents.removeShells();
    for (;;) {
      await this.#documents.removeFreeRecords(lastOrder);
      const ids = await this.#documents.recordIds(lastOrder);
      if (ids.length === 0) break;
      for (const id of ids) await this.delete(id);
    }
    // Who went through a gate since then has moved it on.
    await this.#documents.removeGates(gates);
  }

  /** @throws TokenStoreError `SCHEMA_UNKNOWN` where the collection was dropped under the store */
  async requireStore(): Promise<void> {
    await this.#documents.merges();
  }

  /**
   * The usual find is of one key that only one record has. To read one document is faster than to
   * read all that there are, and one that has both halves of a key says that there is no other.
   */
  async #soleHolder(digests: readonly string[]): Promise<RecordDocument | undefined> {
    const [digest, ...others] = digests;
    if (digest === undefined || others.length > 0) return undefined;
    const found = await this.#documents.findOneDurable(digest);
    const isSole =
      found?.kind === 'record' && halvesOf(digest).every((half) => found.claims.includes(half));
    return isSole ? found : undefined;
  }

  #writer(): RecordWriter {
    return new RecordWriter(this.#documents, this.#lockPatience, this.#lastWritten);
  }
}

function recordsOf(documents: readonly RecordDocument[]): StoredRecord[] {
  return documents.map(({ record }) => record);
}
