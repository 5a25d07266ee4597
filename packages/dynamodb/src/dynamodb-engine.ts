import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { newId, recordCorrupt, refuseOtherVersion } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type DigestedKey,
  type Engine,
  repeatWhileStale,
  type Snapshot,
  STALE,
  withWriteId,
} from '@tokenkeep/core/adapter/server';
import { nameOf, translateError } from './errors.ts';
import {
  type Claim,
  claimIn,
  claimPlace,
  type DynamodbEntry,
  type Head,
  headAttributes,
  headIn,
  numberIn,
  partPlaces,
  recordIn,
  recordPlace,
  textItems,
} from './items.ts';
import type { CheckedOptions } from './options.ts';
import { type Item, type Place, placeName, Requests, type Write } from './requests.ts';

/** The schema, and the highest version that was deleted. */
const STORE: Place = ['store', 0];
const SCHEMA = 1;

/** The last number in the order that was given out. */
const COUNTER: Place = ['counter', 0];

/** How many numbers are under one partition key: so many records are listed by one query after another. */
const NUMBERS_PER_BUCKET = 100_000;

const PAGE_SIZE = 100;

/** How many records are deleted at the same time. */
const DELETES_AT_ONCE = 10;

/** A service limit of TransactWriteItems. */
const MAX_WRITES = 100;

/** What of claims of shared keys is as it was read, and what changes. */
interface SharedChange {
  /** The keys that any of the records has which are changed. */
  readonly digests: Iterable<string>;
  /** The guards as they were read: they must still be so. */
  readonly asRead?: ReadonlyMap<string, string> | undefined;
  readonly holdersLeave: readonly string[];
  /** Who has the keys from now on. */
  readonly joins?: { readonly holder: string; readonly keys: readonly string[] };
  readonly writeId: string;
}

interface AlreadyRead {
  /** The records among them. */
  readonly known: readonly string[];
  readonly items: ReadonlyMap<string, Item>;
  /** Guards of claims. */
  readonly claims: ReadonlyMap<string, string>;
}

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
  /** The highest deleted version is at least this. */
  #deletedVersion = 0;

  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#requests = new Requests(options);
  }

  async open(): Promise<void> {
    await this.#requests.open();
    let store = await this.#item(STORE).catch((error: unknown) => {
      if (nameOf(error) !== 'ValidationException') throw error;
      throw this.#schemaUnknown('has other keys than pk and sk');
    });
    if (store === undefined) {
      store = await this.#requests.update(STORE, {
        UpdateExpression: 'SET #schema = if_not_exists(#schema, :schema)',
        ExpressionAttributeNames: { '#schema': 'schema' },
        ExpressionAttributeValues: { ':schema': { N: `${SCHEMA}` } },
      });
    }
    if (numberIn(store, 'schema') !== SCHEMA) {
      throw this.#schemaUnknown('was written by a later version');
    }
    this.#deletedVersion = numberIn(store, 'deletedVersion');
  }

  async read(
    keys: readonly DigestedKey[],
    guess?: DynamodbEntry,
  ): Promise<Snapshot<DynamodbEntry>> {
    if (guess !== undefined) {
      // The record's own item tells whether others have its keys.
      const entries = await this.#entries([guess.holder]);
      if (isSole(entries, keys)) return { entries };
    }
    let known: readonly string[] = [];
    let before: string | undefined;
    for (;;) {
      const places = keys.map(({ field, digest }) => (field === 'id' ? STORE : claimPlace(digest)));
      const items = await this.#requests.get([...places, ...known.map(recordPlace)]);
      const claims = claimsOf(keys, items);
      const holders = [...new Set([...claims.values()].flatMap((claim) => claim.holders))];
      const entries = await this.#entries(holders, { known, items, claims: guardsOf(claims) });
      const deletedVersion = numberIn(items.get(placeName(STORE)), 'deletedVersion');
      if (keys.length === 1 && entries.length === 0) return { entries, deletedVersion };
      if (isSole(entries, keys)) return { entries, deletedVersion };
      // Items are not read all at one moment: what is the same twice was so in between.
      const now = JSON.stringify([[...claims], entries.map(({ guard }) => guard)]);
      if (now === before) return { entries, deletedVersion };
      known = holders;
      before = now;
    }
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

    const changed = await this.#sharedClaims({
      digests: shared,
      asRead,
      holdersLeave: before.map((entry) => entry.holder),
      joins: { holder, keys },
      writeId,
    });
    if (changed === STALE) return STALE;
    const writes: Write[] = [...changed];
    const sharedKeys = keys.filter(
      (key) => shared.has(key) || others.some((entry) => entry.keys.includes(key)),
    );
    const number = replaces?.number ?? (await this.#nextNumber());
    const writeIds = withWriteId(writeId, replaces?.writeIds);
    const { version } = record;
    const head = { guard: writeId, keys, sharedKeys, number, version, writeIds };
    const { main, parts } = textItems(record, writeId);
    const isAsItWas = replaces === null ? isNew : isGuardedBy(replaces.guard);
    writes.push(
      this.#requests.put(recordPlace(holder), { ...headAttributes(head), ...main }, isAsItWas),
    );
    const places = partPlaces(holder, Math.max(parts.length, replaces?.parts ?? 0));
    for (const [index, place] of places.entries()) {
      const part = parts[index];
      writes.push(part ? this.#requests.put(place, part) : this.#requests.delete(place));
    }
    if (replaces === null) {
      writes.push(this.#requests.put(orderPlace(number), { holder: { S: holder } }));
    }
    for (const entry of absorbs) writes.push(...this.#deletion(entry));
    for (const entry of others) {
      const common = entry.keys.filter((key) => keys.includes(key));
      const unmarked = common.filter((key) => !entry.sharedKeys.includes(key));
      if (unmarked.length > 0) {
        writes.push(this.#marking(entry, unmarked, writeId));
      } else if (!common.some((key) => asRead?.has(key))) {
        writes.push(this.#requests.check(recordPlace(entry.holder), isGuardedBy(entry.guard)));
      }
    }
    for (const { field, digest } of commit.addedKeys) {
      if (field === 'id' || shared.has(digest)) continue;
      const claim = { holders: { SS: [holder] } };
      if (others.some((entry) => entry.keys.includes(digest))) {
        writes.push(this.#joining(digest, holder, writeId));
      } else {
        const isAbsorbed = absorbs.some((entry) => entry.keys.includes(digest));
        writes.push(this.#requests.put(claimPlace(digest), claim, isAbsorbed ? {} : isNew));
      }
    }
    for (const { field, digest } of commit.removedKeys) {
      if (field === 'id' || shared.has(digest)) continue;
      writes.push(this.#requests.delete(claimPlace(digest)));
    }
    for (const { field, digest } of commit.absentKeys) {
      const place = field === 'id' ? recordPlace(digest) : claimPlace(digest);
      writes.push(this.#requests.check(place, isNew));
    }
    if (commit.deletedVersion !== undefined) {
      writes.push(this.#requests.check(STORE, isDeletedVersion(commit.deletedVersion)));
    }
    if ((await this.#transact(writes, writeId)) === STALE) return STALE;
    const claims = new Map(sharedKeys.map((key) => [key, writeId]));
    return { ...head, holder, parts: parts.length, record, claims };
  }

  async delete(
    { digest }: DigestedKey,
    ifVersion: number | undefined,
  ): Promise<undefined | typeof STALE> {
    const item = await this.#item(recordPlace(digest));
    const head = item && headIn(item);
    if (ifVersion !== undefined) refuseOtherVersion(head ?? null, { ifVersion });
    if (head !== undefined) return this.#remove(head);
  }

  async *pages(): AsyncGenerator<StoredRecord[]> {
    for await (const page of this.#inOrder()) {
      const entries = await this.#entries([...page.keys()]);
      // One that was deleted and saved again meanwhile under its id comes later.
      const there = entries.filter(({ holder, number }) => page.get(holder) === number);
      yield there.map(({ record }) => record);
    }
  }

  async clear(): Promise<void> {
    for await (const page of this.#inOrder()) {
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

  #schemaUnknown(why: string): TokenStoreError {
    return new TokenStoreError(
      'SCHEMA_UNKNOWN',
      `The table ${this.#options.table} ${why}. Name another table, or upgrade; it was left as it is.`,
    );
  }

  async #item(place: Place): Promise<Item | undefined> {
    return (await this.#requests.get([place])).get(placeName(place));
  }

  /** The records that there are of those; one in parts as it was at one moment. */
  async #entries(
    holders: readonly string[],
    { known = [], items = new Map(), claims = new Map() }: Partial<AlreadyRead> = {},
  ): Promise<DynamodbEntry[]> {
    const unknown = holders.filter((holder) => !known.includes(holder));
    const more = await this.#requests.get(unknown.map(recordPlace));
    const entries: DynamodbEntry[] = [];
    for (const holder of holders) {
      const name = placeName(recordPlace(holder));
      let item = more.get(name) ?? items.get(name);
      while (item !== undefined) {
        const head = headIn(item);
        const parts = await this.#parts(head);
        if (parts !== undefined) {
          entries.push({ ...head, record: recordIn(item, parts), claims });
          break;
        }
        // It was saved in between.
        item = await this.#item(recordPlace(holder));
        if (item !== undefined && headIn(item).guard === head.guard) {
          throw recordCorrupt(holder, 'a part of it is missing');
        }
      }
    }
    return entries;
  }

  /** @returns `undefined` where they are not all of the record's last save */
  async #parts({ holder, parts, writeIds }: Head): Promise<Item[] | undefined> {
    if (parts === 0) return [];
    const places = partPlaces(holder, parts);
    const found = await this.#requests.get(places);
    const items = places.flatMap((place) => {
      const item = found.get(placeName(place));
      return item === undefined ? [] : [item];
    });
    const isWhole = items.every(({ writeId }) => writeId?.S === writeIds[0]);
    return isWhole && items.length === parts ? items : undefined;
  }

  /** The records that were saved before, in the order of their numbers: the digests of their ids. */
  async *#inOrder(): AsyncGenerator<Map<string, number>> {
    const end = numberIn(await this.#item(COUNTER), 'last');
    for (let last = 0; last < end; ) {
      const [bucket] = orderPlace(last + 1);
      const upTo = Math.min(end, lastOfBucket(last + 1));
      const items = await this.#requests.query(bucket, { after: last, upTo, limit: PAGE_SIZE });
      yield new Map(items.map((item) => [item['holder']?.S ?? '', numberIn(item, 'sk')]));
      last = items.length < PAGE_SIZE ? upTo : numberIn(items.at(-1), 'sk');
    }
  }

  async #nextNumber(): Promise<number> {
    const changed = await this.#requests.update(COUNTER, {
      UpdateExpression: 'ADD #last :one',
      ExpressionAttributeNames: { '#last': 'last' },
      ExpressionAttributeValues: { ':one': { N: '1' } },
    });
    return numberIn(changed, 'last');
  }

  async #raiseDeletedVersion(version: number): Promise<void> {
    if (version <= this.#deletedVersion) return;
    const item = await this.#item(STORE);
    const there = numberIn(item, 'deletedVersion');
    if (version > there) {
      const isAsRead = isDeletedVersion(there);
      const values = { ...isAsRead.ExpressionAttributeValues, ':new': { N: `${version}` } };
      const write = this.#requests.change(STORE, {
        UpdateExpression: 'SET deletedVersion = :new',
        ConditionExpression: isAsRead.ConditionExpression,
        ExpressionAttributeValues: values,
      });
      if ((await this.#transact([write], newId())) === STALE) {
        return this.#raiseDeletedVersion(version);
      }
    }
    this.#deletedVersion = Math.max(this.#deletedVersion, there, version);
  }

  async #removeNumber(holder: string, number: number): Promise<undefined | typeof STALE> {
    const item = await this.#item(recordPlace(holder));
    const head = item && headIn(item);
    if (head?.number === number) return this.#remove(head);
  }

  async #remove(head: Head): Promise<undefined | typeof STALE> {
    await this.#raiseDeletedVersion(head.version);
    const { holder, keys, sharedKeys } = head;
    const writeId = newId();
    const changed = await this.#sharedClaims({
      digests: sharedKeys,
      holdersLeave: [holder],
      writeId,
    });
    if (changed === STALE) return STALE;
    const own = keys.filter((key) => key !== holder && !sharedKeys.includes(key));
    const claims = own.map((key) => this.#requests.delete(claimPlace(key)));
    return this.#transact([...this.#deletion(head), ...changed, ...claims], writeId);
  }

  /** Of the record's own items, if it is as it was read. */
  #deletion({ holder, guard, parts, number }: Head): Write[] {
    return [
      this.#requests.delete(recordPlace(holder), isGuardedBy(guard)),
      ...partPlaces(holder, parts).map((place) => this.#requests.delete(place)),
      this.#requests.delete(orderPlace(number)),
    ];
  }

  /** What has to be written to the claims of shared keys, as their records change. */
  async #sharedClaims(change: SharedChange): Promise<Write[] | typeof STALE> {
    const { asRead, holdersLeave, joins, writeId } = change;
    const digests = [...change.digests];
    if (digests.length === 0) return [];
    const items = await this.#requests.get(digests.map(claimPlace));
    const writes: Write[] = [];
    for (const digest of digests) {
      const place = claimPlace(digest);
      const { holders, guard } = claimIn(items.get(placeName(place)));
      const guardRead = asRead?.get(digest);
      if (guardRead !== undefined && guardRead !== guard) return STALE;
      const left = new Set(holders);
      for (const holder of holdersLeave) left.delete(holder);
      if (joins?.keys.includes(digest)) left.add(joins.holder);
      const isAsItWas = guard === undefined ? isNew : isGuardedBy(guard);
      const claim = { holders: { SS: [...left] }, guard: { S: writeId } };
      writes.push(
        left.size === 0
          ? this.#requests.delete(place, isAsItWas)
          : this.#requests.put(place, claim, isAsItWas),
      );
    }
    return writes;
  }

  /** Of keys as shared, in the only record that had them. */
  #marking({ holder, guard }: Head, keys: readonly string[], writeId: string): Write {
    const { ConditionExpression, ExpressionAttributeValues } = isGuardedBy(guard);
    return this.#requests.change(recordPlace(holder), {
      UpdateExpression: 'ADD sharedKeys :keys SET guard = :new',
      ConditionExpression,
      ExpressionAttributeValues: {
        ...ExpressionAttributeValues,
        ':keys': { SS: [...keys] },
        ':new': { S: writeId },
      },
    });
  }

  #joining(digest: string, holder: string, writeId: string): Write {
    return this.#requests.change(claimPlace(digest), {
      UpdateExpression: 'ADD holders :holder SET guard = :new',
      ExpressionAttributeValues: { ':holder': { SS: [holder] }, ':new': { S: writeId } },
    });
  }

  async #transact(writes: readonly Write[], token: string): Promise<undefined | typeof STALE> {
    if (writes.length > MAX_WRITES) {
      throw new TokenStoreError(
        'STORAGE_FULL',
        `This would change more than the ${MAX_WRITES} items that a transaction of DynamoDB may have. Delete some of the records that have the token's keys; nothing was changed.`,
        { retryable: false },
      );
    }
    return this.#requests.transact(writes, token);
  }
}

const isNew = { ConditionExpression: 'attribute_not_exists(pk)' };

function isGuardedBy(guard: string): {
  ConditionExpression: string;
  ExpressionAttributeValues: Item;
} {
  const ExpressionAttributeValues = { ':guard': { S: guard } };
  return { ConditionExpression: 'guard = :guard', ExpressionAttributeValues };
}

function isDeletedVersion(version: number): {
  ConditionExpression: string;
  ExpressionAttributeValues: Item;
} {
  const isNone = version === 0 ? 'attribute_not_exists(deletedVersion) OR ' : '';
  return {
    ConditionExpression: `${isNone}deletedVersion = :version`,
    ExpressionAttributeValues: { ':version': { N: `${version}` } },
  };
}

/** Whether there is one record, which has all the keys and no other has one of them. */
function isSole(entries: readonly DynamodbEntry[], keys: readonly DigestedKey[]): boolean {
  const [entry] = entries;
  return (
    entries.length === 1 &&
    entry !== undefined &&
    keys.every(({ digest }) => entry.keys.includes(digest) && !entry.sharedKeys.includes(digest))
  );
}

/** Who has the keys; an id has its record, whether that is there or not. */
function claimsOf(
  keys: readonly DigestedKey[],
  items: ReadonlyMap<string, Item>,
): Map<string, Claim> {
  return new Map(
    keys.map(({ field, digest }): [string, Claim] => [
      digest,
      field === 'id'
        ? { holders: [digest], guard: undefined }
        : claimIn(items.get(placeName(claimPlace(digest)))),
    ]),
  );
}

function guardsOf(claims: ReadonlyMap<string, Claim>): Map<string, string> {
  const guards = new Map<string, string>();
  for (const [digest, { guard }] of claims) if (guard !== undefined) guards.set(digest, guard);
  return guards;
}

function orderPlace(number: number): Place {
  return [`order:${Math.floor(number / NUMBERS_PER_BUCKET)}`, number];
}

function lastOfBucket(number: number): number {
  return (Math.floor(number / NUMBERS_PER_BUCKET) + 1) * NUMBERS_PER_BUCKET - 1;
}

function isRejected(result: PromiseSettledResult<unknown>): result is PromiseRejectedResult {
  return result.status === 'rejected';
}
