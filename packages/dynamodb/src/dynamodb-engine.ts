import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { newId, refuseOtherVersion } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type DigestedKey,
  type Engine,
  entryAfter,
  freedKeys,
  repeatWhileStale,
  type Snapshot,
  STALE,
} from '@tokenkeep/core/adapter/server';
import { changeShared } from './claims.ts';
import { translateError } from './errors.ts';
import {
  claimPlace,
  type DynamodbEntry,
  type Head,
  headAttributes,
  headIn,
  partPlaces,
  recordPlace,
  textItems,
} from './items.ts';
import type { CheckedOptions } from './options.ts';
import { Order } from './order.ts';
import { readRecords } from './records.ts';
import { Requests } from './requests.ts';
import { isSole, readSnapshot } from './snapshot.ts';
import { isDeletedVersion, openStore, raiseDeletedVersion, STORE } from './store-item.ts';
import { isGuardedBy, isNew, Transaction } from './transaction.ts';

/** How many records are deleted at the same time. */
const DELETES_AT_ONCE = 10;

/**
 * An item for each record, named after its id, and a *claim* for each other value that it can be
 * found by, named after that, which names the records that have it. Both are changed together, by a
 * transaction on the condition that they are as they were read. Nothing is found by an index: those
 * of DynamoDB are late.
 *
 * A change of a record changes its `guard`. The first record with a value puts the claim, which the
 * condition that there is none lets only one do. One that joins (another user's or client's may have
 * the same value) marks the value as shared in the first, and gives the claim a guard. From then on
 * whatever happens to a record with the value changes that guard, which so tells whether all of them
 * are as they were read.
 */
export class DynamodbEngine implements Engine<DynamodbEntry> {
  readonly #options: CheckedOptions;
  readonly #requests: Requests;
  readonly #order: Order;
  /** The highest deleted version is at least this. */
  #deletedVersion = 0;

  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#requests = new Requests(options);
    this.#order = new Order(this.#requests);
  }

  async open(): Promise<void> {
    await this.#requests.open();
    await openStore(this.#requests, this.#options.table);
  }

  async read(
    keys: readonly DigestedKey[],
    guess?: DynamodbEntry,
  ): Promise<Snapshot<DynamodbEntry>> {
    if (guess !== undefined) {
      // The record's own item tells whether others have its keys.
      const entries = await readRecords(this.#requests, [guess.holder]);
      if (isSole(entries, keys)) return { entries };
    }
    return readSnapshot(this.#requests, keys);
  }

  async commit(commit: Commit<DynamodbEntry>): Promise<DynamodbEntry | typeof STALE> {
    const { writeId, record, replaces, absorbs, others } = commit;
    await this.#raiseDeletedVersion(Math.max(0, ...absorbs.map(({ version }) => version)));
    const keys = commit.keys.map(({ digest }) => digest);
    const holder = keys[0] ?? '';
    const before = replaces === null ? absorbs : [replaces, ...absorbs];
    const asRead = [...before, ...others][0]?.claims;
    const shared = new Set(before.flatMap(({ sharedKeys }) => sharedKeys));
    for (const other of others) {
      for (const key of other.sharedKeys) if (keys.includes(key)) shared.add(key);
    }

    const transaction = this.#transaction(writeId);
    const sharedChange = {
      digests: shared,
      asRead,
      holdersLeave: before.map((entry) => entry.holder),
      joins: { holder, keys },
    };
    if ((await changeShared(this.#requests, transaction, sharedChange)) === STALE) return STALE;
    const { sharedKeys, writeIds } = entryAfter(commit);
    const number = replaces?.number ?? (await this.#order.nextNumber());
    if (replaces === null) this.#order.add(transaction, number, holder);
    const { version } = record;
    const head = { guard: writeId, keys, sharedKeys, number, version, writeIds };
    const { main, parts } = textItems(record, writeId);
    transaction.put(
      recordPlace(holder),
      { ...headAttributes(head), ...main },
      isGuardedBy(replaces?.guard),
    );
    const places = partPlaces(holder, Math.max(parts.length, replaces?.parts ?? 0));
    for (const [index, place] of places.entries()) {
      const part = parts[index];
      if (part === undefined) transaction.delete(place);
      else transaction.put(place, part);
    }
    for (const entry of absorbs) this.#deleteRecord(transaction, entry);
    for (const entry of others) {
      const common = entry.keys.filter((key) => keys.includes(key));
      const unmarked = common.filter((key) => !entry.sharedKeys.includes(key));
      if (unmarked.length > 0) {
        transaction.update(
          recordPlace(entry.holder),
          'ADD sharedKeys :keys SET guard = :new',
          { ':keys': { SS: unmarked }, ':new': { S: writeId } },
          isGuardedBy(entry.guard),
        );
      } else if (!common.some((key) => asRead?.has(key))) {
        transaction.check(recordPlace(entry.holder), isGuardedBy(entry.guard));
      }
    }
    for (const { field, digest } of commit.addedKeys) {
      if (field === 'id' || shared.has(digest)) continue;
      const holders = { SS: [holder] };
      if (others.some((entry) => entry.keys.includes(digest))) {
        transaction.update(claimPlace(digest), 'ADD holders :holders SET guard = :new', {
          ':holders': holders,
          ':new': { S: writeId },
        });
      } else {
        const isAbsorbed = absorbs.some((entry) => entry.keys.includes(digest));
        transaction.put(claimPlace(digest), { holders }, isAbsorbed ? undefined : isNew);
      }
    }
    for (const { digest } of freedKeys(commit)) transaction.delete(claimPlace(digest));
    for (const { field, digest } of commit.absentKeys) {
      transaction.check(field === 'id' ? recordPlace(digest) : claimPlace(digest), isNew);
    }
    if (commit.deletedVersion !== undefined) {
      transaction.check(STORE, isDeletedVersion(commit.deletedVersion));
    }
    if ((await this.#requests.transact(transaction)) === STALE) return STALE;
    const claims = new Map(sharedKeys.map((key) => [key, writeId]));
    return { ...head, holder, parts: parts.length, record, claims };
  }

  async delete(
    { digest }: DigestedKey,
    ifVersion: number | undefined,
  ): Promise<undefined | typeof STALE> {
    const head = await this.#headOf(digest);
    if (ifVersion !== undefined) refuseOtherVersion(head ?? null, { ifVersion });
    if (head !== undefined) return this.#remove(head);
  }

  async *pages(): AsyncGenerator<StoredRecord[]> {
    for await (const page of this.#order.pages()) {
      const entries = await readRecords(this.#requests, [...page.keys()]);
      // One that was deleted and saved again meanwhile under its id comes later.
      const there = entries.filter(({ holder, number }) => page.get(holder) === number);
      yield there.map(({ record }) => record);
    }
  }

  async clear(): Promise<void> {
    for await (const page of this.#order.pages()) {
      const records = [...page];
      while (records.length > 0) {
        const deletes = records
          .splice(0, DELETES_AT_ONCE)
          .map(([holder, number]) => repeatWhileStale(() => this.#removeNumber(holder, number)));
        // When it fails, it does not go on behind the caller's back.
        const failed = (await Promise.allSettled(deletes)).find(isRejected);
        if (failed !== undefined) throw failed.reason;
      }
    }
  }

  close(): void {
    this.#requests.close();
  }

  translateError(error: unknown): TokenStoreError {
    return translateError(error, this.#options.table);
  }

  async #raiseDeletedVersion(version: number): Promise<void> {
    if (version <= this.#deletedVersion) return;
    await raiseDeletedVersion(this.#requests, version);
    this.#deletedVersion = Math.max(this.#deletedVersion, version);
  }

  async #headOf(holder: string): Promise<Head | undefined> {
    const item = await this.#requests.getOne(recordPlace(holder));
    return item && headIn(item);
  }

  async #removeNumber(holder: string, number: number): Promise<undefined | typeof STALE> {
    const head = await this.#headOf(holder);
    if (head?.number === number) return this.#remove(head);
  }

  async #remove(head: Head): Promise<undefined | typeof STALE> {
    await this.#raiseDeletedVersion(head.version);
    const { holder, keys, sharedKeys } = head;
    const transaction = this.#transaction(newId());
    const change = { digests: sharedKeys, holdersLeave: [holder] };
    if ((await changeShared(this.#requests, transaction, change)) === STALE) return STALE;
    this.#deleteRecord(transaction, head);
    for (const key of keys) {
      if (key !== holder && !sharedKeys.includes(key)) transaction.delete(claimPlace(key));
    }
    return this.#requests.transact(transaction);
  }

  #transaction(writeId: string): Transaction {
    return new Transaction(this.#options.table, writeId);
  }

  /** If it is as it was read; its claims are another matter. */
  #deleteRecord(transaction: Transaction, { holder, guard, parts, number }: Head): void {
    transaction.delete(recordPlace(holder), isGuardedBy(guard));
    for (const place of partPlaces(holder, parts)) transaction.delete(place);
    this.#order.remove(transaction, number);
  }
}

function isRejected(result: PromiseSettledResult<unknown>): result is PromiseRejectedResult {
  return result.status === 'rejected';
}
