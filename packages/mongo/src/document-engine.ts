/**
 * How records share keys, with nothing but writes that are atomic for one document.
 *
 * The contract wants that no two records which agree (M2) have the same key, whatever is saved at
 * once. A unique index on the keys would refuse too much: one user of two clients is two records. So
 * the unique index is on *claims*: every key that some record has is claimed by one document, its
 * keeper, from the first record that gets it until no record has it. A claim never goes from one
 * document to another: there is no moment at which a key that is had could be claimed anew.
 *
 * - **A record that has a key alone** claims it, and does not list it among its `shared` keys.
 * - **To join**, a record that gets a key which others have writes to its keeper and to each record
 *   that has it, in the same step (`intents.ts`), and makes it one of their shared keys. So whoever
 *   read one of them before is refused. It claims nothing.
 * - **To leave**, a record just gives up the key. If it keeps a shared one, it goes on claiming it;
 *   if it is removed, an empty document, a keeper, takes its place. What is kept for no record any
 *   more is tidied up afterwards, best effort: if it is not, the next that wants the key joins it.
 *
 * A save that replaces one record and takes no key that others have is one write, refused if the
 * record is not as it was read, or if a key is claimed: optimistic concurrency control on one
 * document. Records that share keys with it may change meanwhile: they do not agree with it, as one
 * that comes to agree with others (`isRenamed`) has to write to each of them, too. All else is a
 * two-phase commit.
 */
import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { recordCorrupt, refuseOtherVersion } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type DigestedKey,
  digestedKeysOf,
  type Engine,
  type Entry,
  type Snapshot,
  STALE,
  withWriteId,
} from '@tokenkeep/core/adapter/server';
import { isRenamed } from '@tokenkeep/core/rules';
import { recordIn, toStored } from './document-form.ts';
import type {
  At,
  HoldingDocument,
  KeeperDocument,
  StoreDocument,
  TokenDocument,
} from './documents.ts';
import { Intents, isUnsettled, resolved } from './intents.ts';
import type { Documents, Written } from './mongo-documents.ts';

/** A record, and the document that it is in. */
export interface MongoEntry extends Entry {
  readonly document: TokenDocument;
}

/** Where a record is, or is going to be: keys are claimed there. */
type Place = HoldingDocument & Pick<TokenDocument, 'order'>;

/** As often as this it is looked again if documents are changed while they are read. */
const MAX_LOOKS = 100;

/** Records in documents: an engine but for opening, closing and the driver's errors. */
export class DocumentEngine
  implements Omit<Engine<MongoEntry>, 'open' | 'close' | 'translateError'>
{
  readonly #documents: Documents;
  readonly #intents: Intents;

  /** @param patience how long an intent of others may stay open: milliseconds */
  constructor(documents: Documents, patience: number) {
    this.#documents = documents;
    this.#intents = new Intents(documents, patience);
  }

  async read(keys: readonly DigestedKey[]): Promise<Snapshot<MongoEntry>> {
    const digests = digestsOf(keys);
    // Who has the first key alone is the matching record, or none is, whatever has the others.
    // `commit` finds out whether these are still nobody's.
    const found = await this.#look(digests, digests.slice(0, 1));
    await this.#intents.settle(found);
    const entries = tokensWith(keys, found).map(entryOf);
    const isMissing = ({ field, value }: DigestedKey) =>
      field === 'id' && !entries.some(({ record }) => record.id === value);
    if (!keys.some(isMissing)) return { entries };
    return { entries, deletedVersion: (await this.#documents.counters()).deletedVersion };
  }

  async find(keys: readonly DigestedKey[]): Promise<StoredRecord[]> {
    const [key, ...more] = digestsOf(keys);
    if (key !== undefined && more.length === 0) {
      // The usual find: to read one document is faster than to read all that there are.
      const document = await this.#documents.findOne(key);
      if (document?.kind === 'token' && hasAlone(document, [key])) return [recordOf(document)];
    }
    const found = await this.#look(digestsOf(keys));
    // A query of a collection that was dropped finds nothing, and says no more.
    if (found.length === 0) await this.#documents.counters();
    return tokensWith(keys, found).map(recordOf);
  }

  async commit(commit: Commit<MongoEntry>): Promise<MongoEntry | typeof STALE> {
    if (isUnsettled(entriesOf(commit).map(({ document }) => document))) return STALE;
    const written = isOfSeveral(commit) ? 'taken' : await this.#commitOne(commit);
    if (written === 'taken') return this.#commitSeveral(commit);
    return written === 'changed' ? STALE : written;
  }

  async delete(key: DigestedKey, ifVersion: number | undefined): Promise<undefined | typeof STALE> {
    const found = tokensWith([key], await this.#look([key.digest]));
    const document =
      found.find((each) => hasKey(each, key)) ??
      found.find(({ claims }) => claims.includes(key.digest));
    if (document === undefined || ifVersion !== undefined) {
      refuseOtherVersion(document === undefined ? null : recordOf(document), { ifVersion });
    }
    if (document === undefined) return undefined;
    await this.#raiseDeletedVersion([document]);
    return (await this.#remove(document)) ? undefined : STALE;
  }

  async *pages(): AsyncGenerator<readonly StoredRecord[]> {
    for (let after = 0; ; ) {
      const page = await this.#documents.page(after, Number.MAX_SAFE_INTEGER);
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.order;
      const records: StoredRecord[] = [];
      for (const document of page) {
        const record = recordOf(document);
        if (!isUnsettled([document])) records.push(record);
        else records.push(...(await this.find(digestedKeysOf(record).slice(0, 1))));
      }
      yield records;
    }
  }

  async clear(): Promise<void> {
    const { order } = await this.#documents.counters();
    for (;;) {
      const page = await this.#documents.page(0, order);
      if (page.length === 0) break;
      await this.#raiseDeletedVersion(page);
      const isPlain = (each: TokenDocument) => each.shared.length === 0 && !isUnsettled([each]);
      const plain = page.filter(isPlain);
      if (plain.length > 0) await this.#documents.remove(plain);
      for (const document of page) if (!isPlain(document)) await this.#remove(document);
    }
    for (let after = ''; ; ) {
      const left = await this.#documents.others(after);
      const last = left.at(-1);
      if (last === undefined) return;
      after = last._id;
      for (const document of left) {
        await this.#intents.settle(await this.#withIntents([document]));
        if (document.kind === 'keeper') await this.#tidyUp(document.claims);
        else await this.#documents.remove([document]);
      }
    }
  }

  /**
   * Reads documents as they were at one moment: those that nobody changed between two looks. One
   * look is enough for a record that has the keys `alone`, and where there is nothing.
   */
  async #look(
    keys: readonly string[],
    alone: readonly string[] = keys,
  ): Promise<readonly StoreDocument[]> {
    let before: string | undefined;
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      const documents = await this.#documents.find(keys);
      const [first] = documents;
      if (first !== undefined && documents.length === 1 && hasAlone(first, alone)) return documents;
      // A key that some record has is claimed all the time: if nothing has it, that is so.
      if (first === undefined && keys.length === 1) return documents;
      const found = await this.#withIntents(documents);
      const revisions = found.map(({ _id, revision }) => `${_id} ${revision}`);
      const now = revisions.sort().join();
      if (now === before) return found;
      before = now;
    }
    throw new TokenStoreError(
      'CONTENTION',
      'Other saves changed the same records all the time. Try again later; nothing was changed.',
    );
  }

  /** Adds the intents that the documents are marked with. */
  async #withIntents(found: readonly StoreDocument[]): Promise<readonly StoreDocument[]> {
    const intents = new Set(found.flatMap(({ intent }) => intent ?? []));
    for (const { _id } of found) intents.delete(_id);
    return intents.size === 0 ? found : [...found, ...(await this.#documents.get([...intents]))];
  }

  async #commitOne(commit: Commit<MongoEntry>): Promise<MongoEntry | Exclude<Written, 'written'>> {
    const { replaces, deletedVersion, addedKeys, absentKeys } = commit;
    const fresh = digestsOf([...addedKeys, ...absentKeys]);
    let after: TokenDocument;
    let written: Written;
    if (replaces === null && deletedVersion === undefined) {
      const { order } = await this.#documents.nextOrder();
      after = afterCommit(commit, { _id: this.#documents.newId(), revision: 0, order }, fresh);
      written = await this.#documents.insert(after);
    } else {
      const place = replaces?.document ?? (await this.#takePlace(commit, fresh));
      if (place === undefined) return 'taken';
      after = afterCommit(commit, place, fresh);
      written = await this.#documents.replace(place, after);
    }
    if (written !== 'written') return written;
    await this.#tidyUpAfter(commit);
    return entryOf(after);
  }

  /**
   * Claims keys for a record before it has them: in its document, or with a keeper if it is yet to be
   * added. If it gets an id that was used before, nobody adds and deletes another of that id from
   * then on, so the version of the deleted ones stays.
   *
   * @returns `undefined` where something is not as it was read
   */
  async #takePlace(
    { replaces, keys, deletedVersion }: Commit<MongoEntry>,
    fresh: readonly string[],
  ): Promise<Place | undefined> {
    const own = digestsOf(keys);
    if (replaces !== null) {
      const { document } = replaces;
      const taken = {
        ...document,
        revision: document.revision + 1,
        keys: union(document.keys, own),
        claims: union(document.claims, fresh),
        shared: union(document.shared, fresh),
      };
      return (await this.#documents.replace(document, taken)) === 'written' ? taken : undefined;
    }
    const _id = this.#documents.newId();
    const claims = claimsOf(_id, fresh);
    const lists = { keys: union(own, claims), claims, shared: [] };
    const keeper: KeeperDocument = { _id, kind: 'keeper', revision: 0, ...lists };
    if ((await this.#documents.insert(keeper)) !== 'written') return undefined;
    const counters = await this.#documents.nextOrder();
    if (deletedVersion === undefined || deletedVersion === counters.deletedVersion) {
      return { ...keeper, order: counters.order };
    }
    await this.#documents.remove([keeper]);
    return undefined;
  }

  async #commitSeveral(commit: Commit<MongoEntry>): Promise<MongoEntry | typeof STALE> {
    const { absorbs, others, keys, addedKeys, absentKeys } = commit;
    const read = entriesOf(commit).map(({ document }) => document);
    const wanted = [...addedKeys, ...absentKeys];
    // By its id each of those that were read.
    const ids = read.flatMap((document) => document.keys.slice(0, 1));
    const found = await this.#look([...digestsOf(wanted), ...ids]);
    if (isUnsettled(found)) {
      await this.#intents.settle(found);
      return STALE;
    }
    const isAsRead = read.every(({ _id, revision }) =>
      found.some((each) => each._id === _id && each.revision === revision),
    );
    const isRead = ({ _id }: At) => read.some((document) => document._id === _id);
    if (!isAsRead || !tokensWith(wanted, found).every(isRead)) return STALE;

    const claimed = new Set(found.flatMap(({ claims }) => claims));
    const fresh = digestsOf(wanted).filter((key) => !claimed.has(key));
    const place = await this.#takePlace(commit, fresh);
    if (place === undefined) return STALE;
    const absorbed = absorbs.map(({ document }) => document);
    await this.#raiseDeletedVersion(absorbed);
    const after = afterCommit(commit, place, fresh);
    const changes = [
      { ...at(place), to: after },
      ...absorbed.map((document) => ({
        ...at(document),
        to: keeperOf(document, [...after.keys, ...document.shared]),
      })),
    ];
    const isChanged = ({ _id }: At) => changes.some((change) => change._id === _id);
    const isDone = await this.#intents.carryOut({
      keys: digestsOf(keys),
      changes,
      // What has or keeps one of the keys: whoever comes to have one of them writes to it, too.
      touches: found.filter((document) => !isChanged(document)).map(at),
      shared: digestsOf(keys.filter((key) => others.some((each) => hasKey(each.document, key)))),
    });
    await this.#tidyUpAfter(commit, isDone ? [] : fresh);
    return isDone ? entryOf({ ...after, revision: place.revision + 2 }) : STALE;
  }

  /** Removes a record, but for the keys that its document keeps for others. */
  async #remove(document: TokenDocument): Promise<boolean> {
    if (document.intent !== undefined) {
      await this.#intents.settle(await this.#withIntents([document]));
      return false;
    }
    const keeper = keeperOf(document, document.shared);
    const isRemoved =
      keeper === null
        ? (await this.#documents.remove([document])) > 0
        : (await this.#documents.replace(document, keeper)) === 'written';
    if (isRemoved) await this.#tidyUp(document.shared).catch(ignored);
    return isRemoved;
  }

  async #raiseDeletedVersion(documents: readonly TokenDocument[]): Promise<void> {
    const versions = documents.map(({ record }) => recordIn(record)?.version ?? 0);
    if (versions.length > 0) await this.#documents.raiseDeletedVersion(Math.max(...versions));
  }

  /** @param more keys to tidy up besides those that the commit's record does not get or gives up */
  async #tidyUpAfter(commit: Commit<MongoEntry>, more: readonly string[] = []): Promise<void> {
    const own = digestsOf(commit.keys);
    const before = [commit.replaces, ...commit.absorbs].flatMap((entry) => entry?.sharedKeys ?? []);
    const left = before.filter((key) => !own.includes(key) || commit.absorbs.length > 0);
    await this.#tidyUp([...left, ...digestsOf(commit.absentKeys), ...more]).catch(ignored);
  }

  /** Gives up what is kept for nobody any more, and lets records know that have a key alone again. */
  async #tidyUp(keys: readonly string[]): Promise<void> {
    for (const key of new Set(keys)) {
      const found = await this.#look([key]);
      const documents = resolved(found);
      const keeper = documents.find(({ claims }) => claims.includes(key));
      if (isUnsettled(found) || keeper === undefined || hasAlone(keeper, [key])) continue;
      const holders = documents.filter((document) => isHolder(document, key));
      // What is damaged is left as it is.
      if (holders.some((holder) => holder !== keeper || recordIn(holder.record) === undefined)) {
        continue;
      }
      // It is written to by whoever joins it, so nobody has.
      const without = (list: readonly string[]) => list.filter((each) => each !== key);
      const tidy = { ...keeper, revision: keeper.revision + 1, shared: without(keeper.shared) };
      const keys = without(keeper.keys);
      const claims = without(keeper.claims);
      if (holders.length > 0) await this.#documents.replace(keeper, tidy);
      else if (keeper.kind === 'keeper' && claims.length === 0) {
        await this.#documents.remove([keeper]);
      } else {
        const left = { keys, claims: claimsOf(keeper._id, claims) };
        await this.#documents.replace(keeper, { ...tidy, ...left });
      }
    }
  }
}

/** For what was tidied up best effort: what was asked for has happened, and the rest is in nobody's way. */
function ignored(): void {}

/** The document of a commit's record, as it shall be. */
function afterCommit(
  { record, replaces, writeId, keys, absentKeys }: Commit<MongoEntry>,
  { _id, revision, order }: At & { order: number },
  fresh: readonly string[],
): TokenDocument {
  const own = digestsOf(keys);
  const { claims: before = [], shared: wasShared = [] } = replaces?.document ?? {};
  const kept = before.filter((key) => own.includes(key) || wasShared.includes(key));
  const claims = claimsOf(_id, union(kept, fresh));
  const all = union(own, claims);
  const maybeShared = [...wasShared, ...digestsOf(absentKeys)];
  return {
    _id,
    kind: 'token',
    revision: revision + 1,
    keys: all,
    claims,
    shared: all.filter((key) => maybeShared.includes(key) || !claims.includes(key)),
    order,
    writeIds: withWriteId(writeId, replaces?.writeIds),
    record: toStored(record),
  };
}

/** The unique index takes no claims for a claim, which one document only may have. */
function claimsOf(_id: string, claims: readonly string[]): readonly string[] {
  return claims.length === 0 ? [_id] : claims;
}

/** Whether a change can't be one write, see above. */
function isOfSeveral(commit: Commit<MongoEntry>): boolean {
  const { record, replaces, absorbs, others, addedKeys } = commit;
  const comesToAgree = replaces !== null && others.length > 0 && isRenamed(replaces.record, record);
  const joins = addedKeys.some((key) => others.some(({ document }) => hasKey(document, key)));
  return absorbs.length > 0 || comesToAgree || joins;
}

/** What is left of a document that is removed: the keys that it goes on keeping, if there are any. */
function keeperOf(document: TokenDocument, keys: readonly string[]): KeeperDocument | null {
  const claims = document.claims.filter((key) => keys.includes(key));
  if (claims.length === 0) return null;
  const { _id, revision } = document;
  return { _id, kind: 'keeper', revision: revision + 1, keys: claims, claims, shared: [] };
}

function entryOf(document: TokenDocument): MongoEntry {
  const { writeIds, shared } = document;
  return { record: recordOf(document), writeIds, sharedKeys: shared, document };
}

function entriesOf({ replaces, absorbs, others }: Commit<MongoEntry>): MongoEntry[] {
  return [...(replaces === null ? [] : [replaces]), ...absorbs, ...others];
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
function recordOf({ record }: TokenDocument): StoredRecord {
  const stored = recordIn(record);
  if (stored === undefined) throw recordCorrupt(undefined, 'its document holds no record');
  return stored;
}

/** Whether it is a record that has all of these keys, and no other has any of them. */
function hasAlone(document: StoreDocument, keys: readonly string[]): boolean {
  const { kind, claims, shared } = document;
  if (kind !== 'token' || isUnsettled([document])) return false;
  return keys.every((key) => claims.includes(key) && !shared.includes(key));
}

/** The records that have one of the keys. One that is damaged may have them. */
function tokensWith(
  keys: readonly DigestedKey[],
  found: readonly StoreDocument[],
): TokenDocument[] {
  return resolved(found)
    .filter((document) => document.kind === 'token')
    .filter((each) => keys.some((key) => hasKey(each, key)) || recordIn(each.record) === undefined);
}

function isHolder(document: HoldingDocument, key: string): document is TokenDocument {
  if (document.kind !== 'token') return false;
  const record = recordIn(document.record);
  return record === undefined || digestedKeysOf(record).some(({ digest }) => digest === key);
}

function hasKey({ record }: TokenDocument, { field, value }: DigestedKey): boolean {
  return Object(record)[field] === value;
}

function digestsOf(keys: readonly DigestedKey[]): string[] {
  return keys.map(({ digest }) => digest);
}

function union(a: readonly string[], b: readonly string[]): string[] {
  return [...new Set([...a, ...b])];
}

function at({ _id, revision }: At): At {
  return { _id, revision };
}
