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
 * record is not as it was read, or if a key is claimed. Records that share keys with it may change
 * meanwhile: they do not agree with it, as one that comes to agree with others (`isRenamed`) has to
 * write to each of them, too.
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
import type {
  At,
  DocumentReader,
  Documents,
  HoldingDocument,
  KeeperDocument,
  StoreDocument,
  TokenDocument,
} from './documents.ts';
import { Intents, isIntent, resolved } from './intents.ts';

/** A record, and the document that it is in. */
export interface MongoEntry extends Entry {
  readonly document: TokenDocument;
}

/** Records in documents: an engine but for opening, closing and the driver's errors. */
export type DocumentEngineParts = Omit<Engine<MongoEntry>, 'open' | 'close' | 'translateError'>;

/** As often as this it is looked again if documents are changed while they are read. */
const MAX_LOOKS = 100;

export class DocumentEngine implements DocumentEngineParts {
  readonly #latest: Documents;
  readonly #durable: DocumentReader;
  readonly #intents: Intents;

  /**
   * @param durable reads only what will never be rolled back
   * @param patience how long an intent of others may stay open: milliseconds
   */
  constructor(latest: Documents, durable: DocumentReader, patience: number) {
    this.#latest = latest;
    this.#durable = durable;
    this.#intents = new Intents(latest, patience);
  }

  async read(keys: readonly DigestedKey[]): Promise<Snapshot<MongoEntry>> {
    const found = await this.#look(this.#latest, digestsOf(keys), (documents) => {
      // It is the matching record, or none is, whatever has the other keys. `commit` finds out
      // whether these are still nobody's.
      const [first] = keys;
      return first !== undefined && hasAlone(soleIn(documents), [first]);
    });
    await this.#intents.settle(found);
    const entries = tokensWith(resolved(found), keys).map(entryOf);
    const isMissing = ({ field, value }: DigestedKey) =>
      field === 'id' && !entries.some(({ record }) => record.id === value);
    if (!keys.some(isMissing)) return { entries };
    return { entries, deletedVersion: (await this.#latest.counters()).deletedVersion };
  }

  async find(keys: readonly DigestedKey[]): Promise<StoredRecord[]> {
    const [key, ...others] = keys;
    if (key !== undefined && others.length === 0) {
      // The usual find: to read one document is faster than to read all that there are.
      const document = await this.#durable.findOne(key.digest);
      if (document !== null && hasAlone(document, keys)) return [recordOf(document)];
    }
    const found = await this.#look(this.#durable, digestsOf(keys), (documents) =>
      hasAlone(soleIn(documents), keys),
    );
    // A query of a collection that was dropped finds nothing, and says no more.
    if (found.length === 0) await this.#durable.counters();
    return tokensWith(resolved(found), keys).map(recordOf);
  }

  async commit(commit: Commit<MongoEntry>): Promise<MongoEntry | typeof STALE> {
    if (entriesOf(commit).some(({ document }) => document.intent !== undefined)) return STALE;
    if (!isOfSeveral(commit)) {
      const written = await this.#commitOne(commit);
      if (written !== 'taken') return written;
    }
    return this.#commitSeveral(commit);
  }

  async delete(key: DigestedKey, ifVersion: number | undefined): Promise<undefined | typeof STALE> {
    const found = await this.#look(this.#latest, [key.digest], (documents) =>
      hasAlone(soleIn(documents), [key]),
    );
    const documents = resolved(found).filter((document) => document.kind === 'token');
    const document =
      documents.find(({ record }) => record?.id === key.value) ??
      documents.find(({ record, claims }) => record === undefined && claims.includes(key.digest));
    if (document === undefined || ifVersion !== undefined) {
      refuseOtherVersion(document === undefined ? null : recordOf(document), { ifVersion });
    }
    if (document === undefined) return undefined;
    if (document.intent !== undefined) await this.#intents.settle(found);
    if (document.intent !== undefined || !(await this.#remove(document))) return STALE;
    return undefined;
  }

  async *pages(): AsyncGenerator<readonly StoredRecord[]> {
    for (let after = 0; ; ) {
      const page = await this.#durable.page(after, Number.MAX_SAFE_INTEGER);
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.order;
      const records: StoredRecord[] = [];
      for (const document of page) {
        const [key] = document.intent === undefined ? [] : digestedKeysOf(recordOf(document));
        if (key === undefined) records.push(recordOf(document));
        else records.push(...(await this.find([key])));
      }
      yield records;
    }
  }

  async clear(): Promise<void> {
    const { order } = await this.#latest.counters();
    for (;;) {
      const page = await this.#latest.page(0, order);
      if (page.length === 0) break;
      const isPlain = ({ shared, intent }: TokenDocument) =>
        shared.length === 0 && intent === undefined;
      const plain = page.filter(isPlain);
      await this.#raiseDeletedVersion(plain);
      if (plain.length > 0) await this.#latest.remove(plain);
      for (const document of page) {
        if (document.intent !== undefined) {
          await this.#intents.settle(await this.#withIntents(this.#latest, [document]));
        } else if (!isPlain(document)) await this.#remove(document);
      }
    }
    for await (const left of this.#latest.others()) {
      for (const document of left) {
        await this.#intents.settle(await this.#withIntents(this.#latest, [document]));
        if (document.kind === 'keeper') await this.#tidyUp(document.claims);
        if (document.claims.length === 0) await this.#latest.remove([document]);
      }
    }
  }

  /**
   * Reads documents as they were at one moment: those that nobody changed between two looks, or
   * what `isCertain` after one.
   */
  async #look(
    reader: DocumentReader,
    keys: readonly string[],
    isCertain: (found: readonly StoreDocument[]) => boolean,
  ): Promise<StoreDocument[]> {
    let before: string | undefined;
    for (let looks = 0; looks < MAX_LOOKS; looks += 1) {
      const found = await this.#withIntents(reader, await reader.find(keys));
      // A key that some record has is claimed all the time: if nothing has it, that is so.
      if (isCertain(found) || (found.length === 0 && keys.length === 1)) return found;
      const revisions = found
        .map(({ _id, revision }) => `${_id} ${revision}`)
        .sort()
        .join();
      if (revisions === before) return found;
      before = revisions;
    }
    throw new TokenStoreError(
      'CONTENTION',
      'Other saves changed the same records all the time. Try again later; nothing was changed.',
    );
  }

  /** Adds the intents that the documents are marked with. */
  async #withIntents(
    reader: DocumentReader,
    found: readonly StoreDocument[],
  ): Promise<StoreDocument[]> {
    const intents = new Set(found.flatMap(({ intent }) => intent ?? []));
    for (const { _id } of found) intents.delete(_id);
    return intents.size === 0 ? [...found] : [...found, ...(await reader.get([...intents]))];
  }

  /** @returns 'taken' where a key is claimed by another document */
  async #commitOne(commit: Commit<MongoEntry>): Promise<MongoEntry | typeof STALE | 'taken'> {
    const { replaces, addedKeys, absentKeys } = commit;
    const fresh = digestsOf([...addedKeys, ...absentKeys]);
    if (replaces === null) return this.#add(commit, fresh);
    const { document } = replaces;
    const after = { ...afterCommit(commit, document, fresh), revision: document.revision + 1 };
    const written = await this.#latest.replace(document.revision, after, replaces.record);
    if (written !== 'written') return written === 'taken' ? 'taken' : STALE;
    const left = document.shared.filter((key) => !digestsOf(commit.keys).includes(key));
    await this.#tidyUpAfterwards([...left, ...digestsOf(absentKeys)]);
    return entryOf(after);
  }

  async #add(
    commit: Commit<MongoEntry>,
    fresh: readonly string[],
  ): Promise<MongoEntry | typeof STALE | 'taken'> {
    if (commit.deletedVersion === undefined) {
      const { order } = await this.#latest.nextOrder();
      const added = afterCommit(commit, { _id: this.#latest.newId(), order }, fresh);
      return (await this.#latest.insert(added)) === 'written' ? entryOf(added) : 'taken';
    }
    const place = await this.#takePlace(commit, fresh, digestsOf(commit.keys));
    if (typeof place !== 'object') return place;
    const added = { ...afterCommit(commit, place, fresh), revision: 1 };
    return (await this.#latest.replace(0, added)) === 'written' ? entryOf(added) : STALE;
  }

  /**
   * Keeps keys for a record that is yet to be added. If it gets an id that was used before, nobody
   * adds and deletes another of that id from now on, so the version of the deleted ones stays.
   */
  async #takePlace(
    { deletedVersion }: Commit<MongoEntry>,
    claims: readonly string[],
    keys: readonly string[],
  ): Promise<(KeeperDocument & { order: number }) | typeof STALE | 'taken'> {
    const _id = this.#latest.newId();
    const keeper: KeeperDocument = { _id, kind: 'keeper', revision: 0, keys, claims };
    if ((await this.#latest.insert(keeper)) !== 'written') return 'taken';
    const counters = await this.#latest.nextOrder();
    if (deletedVersion === undefined || deletedVersion === counters.deletedVersion) {
      return { ...keeper, order: counters.order };
    }
    await this.#latest.remove([keeper]);
    return STALE;
  }

  /** Takes keys for a record that is there, as the first step to change it together with others. */
  async #takeKeys(
    document: TokenDocument,
    fresh: readonly string[],
    keys: readonly string[],
  ): Promise<TokenDocument | typeof STALE> {
    const more = (list: readonly string[], added: readonly string[]) => [
      ...new Set([...list, ...added]),
    ];
    const after = {
      ...document,
      revision: document.revision + 1,
      keys: more(document.keys, keys),
      claims: more(document.claims, fresh),
      shared: more(document.shared, fresh),
    };
    if (fresh.length === 0 && after.keys.length === document.keys.length) return document;
    const written = await this.#latest.replace(document.revision, after);
    return written === 'written' ? after : STALE;
  }

  async #commitSeveral(commit: Commit<MongoEntry>): Promise<MongoEntry | typeof STALE> {
    const { replaces, absorbs, others, keys, addedKeys, absentKeys } = commit;
    const entries = entriesOf(commit);
    // Whoever comes to have one of its other keys writes to the record.
    const wanted = [...addedKeys, ...absentKeys];
    const found = await this.#look(
      this.#latest,
      // And by its id each of those that were read.
      [...digestsOf(wanted), ...entries.flatMap(({ document }) => document.keys.slice(0, 1))],
      () => false,
    );
    if (found.some((each) => isIntent(each) || each.intent !== undefined)) {
      await this.#intents.settle(found);
      return STALE;
    }
    const documents = resolved(found);
    const isAsRead = entries.every(({ document: { _id, revision } }) =>
      documents.some((each) => each._id === _id && each.revision === revision),
    );
    const read = new Set(entries.map(({ document }) => document._id));
    const isTaken = tokensWith(documents, wanted).some(({ _id }) => !read.has(_id));
    if (!isAsRead || isTaken) return STALE;

    const claimed = new Set(documents.flatMap(({ claims }) => claims));
    const fresh = digestsOf(wanted).filter((key) => !claimed.has(key));
    const own = digestsOf(keys);
    const place =
      replaces === null
        ? await this.#takePlace(commit, fresh, own)
        : await this.#takeKeys(replaces.document, fresh, own);
    if (typeof place !== 'object') return STALE;
    await this.#raiseDeletedVersion(absorbs.map(({ document }) => document));

    const after = afterCommit(commit, place, fresh);
    const changes = [
      { ...at(place), to: after },
      ...absorbs.map(({ document }) => ({
        ...at(document),
        to: keeperOf(document, [...after.keys, ...document.shared]),
      })),
    ];
    const changed = new Set(changes.map(({ _id }) => _id));
    const touched = new Set(others.map(({ document }) => document._id));
    for (const { _id, claims } of documents) {
      // What keeps one of the keys, and does not have it, is written to as well.
      if (digestsOf(wanted).some((key) => claims.includes(key))) touched.add(_id);
    }
    const isDone = await this.#intents.carryOut({
      keys: own,
      changes,
      touches: documents.filter(({ _id }) => touched.has(_id) && !changed.has(_id)).map(at),
      share: digestsOf(keys.filter((key) => others.some(({ record }) => hasKey(record, key)))),
    });
    if (!isDone) {
      await this.#tidyUpAfterwards(fresh);
      return STALE;
    }
    const left = entries.flatMap(({ document }) => document.shared);
    await this.#tidyUpAfterwards([...left, ...digestsOf(absentKeys)]);
    return entryOf({ ...after, revision: place.revision + 2 });
  }

  async #remove(document: TokenDocument): Promise<boolean> {
    await this.#raiseDeletedVersion([document]);
    const keeper = keeperOf(document, document.shared);
    const isRemoved =
      keeper === null
        ? (await this.#latest.remove([document])) > 0
        : (await this.#latest.replace(document.revision, {
            ...keeper,
            revision: document.revision + 1,
          })) === 'written';
    if (isRemoved) await this.#tidyUpAfterwards(document.shared);
    return isRemoved;
  }

  async #raiseDeletedVersion(documents: readonly TokenDocument[]): Promise<void> {
    const versions = documents.map(({ record }) => record?.version ?? 0);
    if (versions.length > 0) await this.#latest.raiseDeletedVersion(Math.max(...versions));
  }

  async #tidyUpAfterwards(keys: readonly string[]): Promise<void> {
    try {
      await this.#tidyUp(keys);
    } catch {
      // What was asked for has happened, and what is left over is in nobody's way.
    }
  }

  /** Gives up what is kept for nobody any more, and lets records know that have a key alone again. */
  async #tidyUp(keys: readonly string[]): Promise<void> {
    for (const key of new Set(keys)) {
      const found = await this.#look(this.#latest, [key], () => false);
      if (found.some((each) => isIntent(each) || each.intent !== undefined)) continue;
      const documents = resolved(found);
      const keeper = documents.find(({ claims }) => claims.includes(key));
      const holders = documents.filter((document) => isHolder(document, key));
      if (keeper === undefined || holders.some((holder) => holder !== keeper)) continue;
      // What is damaged is left as it is.
      if (keeper.kind === 'token' && keeper.record === undefined) continue;
      // It is written to by whoever joins it, so nobody has.
      const without = (list: readonly string[]) => list.filter((each) => each !== key);
      const { _id, revision, claims } = keeper;
      if (keeper.kind === 'keeper' && claims.length === 1) await this.#latest.remove([keeper]);
      else {
        const kept =
          holders.length > 0 ? {} : { keys: without(keeper.keys), claims: without(claims) };
        const tidy =
          keeper.kind === 'keeper' ? keeper : { ...keeper, shared: without(keeper.shared) };
        await this.#latest.replace(revision, { ...tidy, ...kept, _id, revision: revision + 1 });
      }
    }
  }
}

/** The document of a commit's record, as it shall be. */
function afterCommit(
  { record, replaces, others, writeId, keys, absentKeys }: Commit<MongoEntry>,
  place: Pick<TokenDocument, '_id' | 'order'>,
  fresh: readonly string[],
): TokenDocument {
  const own = digestsOf(keys);
  const before = replaces?.document.claims ?? [];
  const wasShared = replaces?.document.shared ?? [];
  const kept = before.filter((key) => own.includes(key) || wasShared.includes(key));
  const claims = [...new Set([...kept, ...fresh])];
  const isShared = (key: string) =>
    wasShared.includes(key) || !claims.includes(key) || digestsOf(absentKeys).includes(key);
  const joined = keys.filter((key) => others.some((other) => hasKey(other.record, key)));
  const all = [...new Set([...own, ...claims])];
  return {
    _id: place._id,
    kind: 'token',
    revision: 1,
    keys: all,
    claims,
    shared: [...new Set([...all.filter(isShared), ...digestsOf(joined)])],
    order: place.order,
    writeIds: withWriteId(writeId, replaces?.writeIds),
    record,
  };
}

/** Whether a change can't be one write, see above. */
function isOfSeveral({
  record,
  replaces,
  absorbs,
  others,
  addedKeys,
}: Commit<MongoEntry>): boolean {
  const comesToAgree = replaces !== null && others.length > 0 && isRenamed(replaces.record, record);
  const joins = addedKeys.some((key) => others.some((other) => hasKey(other.record, key)));
  return absorbs.length > 0 || comesToAgree || joins;
}

/** What is left of a document that is removed: the keys that it goes on keeping, if there are any. */
function keeperOf(document: TokenDocument, keys: readonly string[]): KeeperDocument | null {
  const { _id, revision } = document;
  const claims = document.claims.filter((key) => keys.includes(key));
  return claims.length === 0 ? null : { _id, kind: 'keeper', revision, keys: claims, claims };
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
  if (record === undefined) throw recordCorrupt(undefined, 'its document holds no record');
  return record;
}

function soleIn(documents: readonly StoreDocument[]): StoreDocument | null {
  return (documents.length === 1 && documents[0]) || null;
}

/** Whether it is a record that has all of these keys, and no other has any of them. */
function hasAlone(
  document: StoreDocument | null,
  keys: readonly DigestedKey[],
): document is TokenDocument {
  if (document?.kind !== 'token' || document.intent !== undefined) return false;
  const { claims, shared, record } = document;
  return keys.every(
    (key) =>
      claims.includes(key.digest) &&
      !shared.includes(key.digest) &&
      (record === undefined || hasKey(record, key)),
  );
}

/** The records that have one of the keys. One that is damaged may have them. */
function tokensWith(
  documents: readonly HoldingDocument[],
  keys: readonly DigestedKey[],
): TokenDocument[] {
  return documents
    .filter((document) => document.kind === 'token')
    .filter(({ record }) => record === undefined || keys.some((key) => hasKey(record, key)));
}

function isHolder(document: HoldingDocument, key: string): boolean {
  if (document.kind !== 'token') return false;
  return (
    document.record === undefined ||
    digestedKeysOf(document.record).some(({ digest }) => digest === key)
  );
}

function hasKey(record: StoredRecord, { field, value }: DigestedKey): boolean {
  return record[field] === value;
}

function digestsOf(keys: readonly DigestedKey[]): string[] {
  return keys.map(({ digest }) => digest);
}

function at({ _id, revision }: At): At {
  return { _id, revision };
}
