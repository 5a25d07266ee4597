/**
 * How records share keys, with nothing but writes that are atomic for one document.
 *
 * The contract wants that no two records which agree (M2) have the same key, whatever is saved at
 * once. A unique index on the keys would refuse too much: one user of two clients is two records. So
 * the unique index is on *claims*: every key that some record has is claimed by one document, from
 * the first record that gets it until no record has it. A claim never goes from one document to
 * another: there is no moment at which a key that is had could be claimed anew.
 *
 * - **A record that has a key alone** claims it, and does not list it among its `shared` keys.
 * - **To join**, a record that gets a key which others have is written together with the document
 *   that claims it (`two-phase-commit.ts`): so whoever read that one before, and would join too, is refused. It
 *   claims nothing, and the key becomes a shared key of both.
 * - **To leave**, a record just gives up the key. It goes on claiming it if the key is shared; if it
 *   is removed, an empty document, a *keeper*, takes its place. Claims that no record needs any more
 *   are given up afterwards, best effort: if not, the next that wants the key does it.
 *
 * A save that replaces one record and takes no key that others have is one write, refused if the
 * record is not as it was read, or if a key is claimed: optimistic concurrency control on one
 * document. Records that share keys with it may change meanwhile: they do not agree with it, as one
 * that comes to agree with others (`isRenamed`) joins them anew.
 */
import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt, refuseOtherVersion } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type DigestedKey,
  digestedKeysOf,
  digestsOf,
  type Engine,
  keysToBeFree,
  repeatWhileStale,
  type Snapshot,
  STALE,
  withWriteId,
} from '@tokenkeep/core/adapter/server';
import { isRenamed } from '@tokenkeep/core/rules';
import {
  type MongoEntry,
  next,
  recordIn,
  type StoreDocument,
  toStored,
  union,
  withoutClaims,
  withoutRecord,
} from './documents.ts';
import type { Documents, Written } from './mongo-documents.ts';
import { isUnsettled, TwoPhaseCommit } from './two-phase-commit.ts';

/** Records in documents: an engine but for opening, closing and the driver's errors. */
export class DocumentEngine
  implements Omit<Engine<MongoEntry>, 'open' | 'close' | 'translateError'>
{
  readonly #documents: Documents;
  readonly #several: TwoPhaseCommit;

  /** @param patience how often a mark may be found undecided before its change is aborted */
  constructor(documents: Documents, patience: number) {
    this.#documents = documents;
    this.#several = new TwoPhaseCommit(documents, patience);
  }

  async read(keys: readonly DigestedKey[]): Promise<Snapshot<MongoEntry>> {
    const found = await this.#look(digestsOf(keys));
    const entries = tokensWith(keys, found).map((document) => entryOf(document, found));
    const isMissing = ({ field, value }: DigestedKey) =>
      field === 'id' && !entries.some(({ record }) => record.id === value);
    if (!keys.some(isMissing)) return { entries };
    return { entries, deletedVersion: (await this.#documents.counters()).deletedVersion };
  }

  async find(keys: readonly DigestedKey[]): Promise<StoredRecord[]> {
    const found = await this.#look(digestsOf(keys));
    // A query of a collection that was dropped finds nothing, and says no more.
    if (found.length === 0) await this.#documents.counters();
    return tokensWith(keys, found).map(recordOf);
  }

  async commit(commit: Commit<MongoEntry>): Promise<MongoEntry | typeof STALE> {
    const { replaces, absorbs, others, addedKeys, absentKeys, removedKeys } = commit;
    const { found } = replaces ?? others[0] ?? { found: [] };
    const before = replaces?.document ?? (await this.#newPlace(commit));
    const rest = found.filter(({ _id }) => _id !== before._id);
    const claims = digestsOf(keysToBeFree(commit));
    const after = afterCommit(commit, before, claims);
    const gone = absorbs.map(({ document }) => document);
    await this.#raiseDeletedVersion(gone);
    const joined = digestsOf(comesToAgree(commit) ? commit.keys : addedKeys);
    const participants = rest.filter(
      (document) => gone.includes(document) || claimsOne(document, joined),
    );
    const claimsFirst = absentKeys.length > 0 || commit.deletedVersion !== undefined;
    const written =
      participants.length > 0 || claimsFirst
        ? await this.#several.carryOut(commit, before, after, participants, claims)
        : await this.#documents.write([before, after]);
    // By a document that needs it no more, as no record has the key.
    if (written === 'taken') await this.#tidyUp(claims);
    if (written !== 'written') return STALE;
    const wereShared = [replaces, ...absorbs].flatMap((entry) => entry?.sharedKeys ?? []);
    const left = digestsOf(removedKeys).filter((key) => wereShared.includes(key));
    await this.#tidyUp(left).catch(() => {});
    return entryOf(after, [after]);
  }

  async delete(key: DigestedKey, ifVersion: number | undefined): Promise<undefined | typeof STALE> {
    const [document] = tokensWith([key], await this.#look([key.digest]));
    if (document === undefined || ifVersion !== undefined) {
      refuseOtherVersion(document === undefined ? null : recordOf(document), { ifVersion });
    }
    if (document === undefined) return undefined;
    if ((await this.#remove([document])) !== 'written') return STALE;
    await this.#tidyUp(document.shared).catch(() => {});
    return undefined;
  }

  async *pages(): AsyncGenerator<readonly StoredRecord[]> {
    for (let after = 0; ; ) {
      const page = await this.#documents.page(after, Number.MAX_SAFE_INTEGER);
      const last = page.at(-1);
      if (last === undefined) return;
      after = last.order;
      const records: StoredRecord[] = [];
      for (const document of page.filter(isToken)) {
        const record = recordOf(document);
        if (!isUnsettled(document)) records.push(record);
        else records.push(...(await this.find(digestedKeysOf(record).slice(0, 1))));
      }
      yield records;
    }
  }

  async clear(): Promise<void> {
    const { added } = await this.#documents.counters();
    const seen = new Map<string, number>();
    for (let after = 0; ; ) {
      const page = await this.#documents.page(after, added);
      const last = page.at(-1);
      if (last === undefined) return;
      const wasBusy = await this.#several.settle(page, seen);
      const tokens = page.filter((each) => isToken(each) && !isUnsettled(each));
      await this.#remove(tokens);
      await this.#tidyUp(page.flatMap((each) => (isToken(each) ? each.shared : each.claims)));
      // A keeper that is still there is needed by records after it.
      if (tokens.length === 0 && !wasBusy) after = last.order;
    }
  }

  /**
   * Reads documents as they were at one moment: those that nobody changed between two looks. One
   * look is enough where there is nothing, and for a record that has the first key alone: no other is
   * the matching record, and `commit` finds out whether the other keys are still nobody's.
   */
  #look(keys: readonly string[]): Promise<readonly StoreDocument[]> {
    const seen = new Map<string, number>();
    return repeatWhileStale(async () => {
      const found = await this.#documents.find(keys);
      if (await this.#several.settle(found, seen)) return STALE;
      const [first] = found;
      if (first !== undefined && found.length === 1 && hasAlone(first, keys[0])) return found;
      // A key that some record has is claimed all the time: if nothing has it, that is so.
      if (first === undefined && keys.length === 1) return found;
      const again = await this.#documents.find(keys);
      return revisionsOf(again) === revisionsOf(found) ? found : STALE;
    });
  }

  /** Where a record is to be added. */
  async #newPlace({ writeId }: Commit<MongoEntry>): Promise<StoreDocument> {
    const { added } = await this.#documents.counters({ $inc: { added: 1 } });
    const lists = { keys: [], claims: [], shared: [] };
    return { _id: writeId, kind: 'keeper', revision: 0, order: added, ...lists };
  }

  async #remove(documents: readonly StoreDocument[]): Promise<Written> {
    await this.#raiseDeletedVersion(documents);
    return this.#documents.write(...documents.map(withoutRecord));
  }

  async #raiseDeletedVersion(documents: readonly StoreDocument[]): Promise<void> {
    const versions = documents.map(({ record }) => recordIn(record)?.version ?? 0);
    if (versions.length === 0) return;
    await this.#documents.counters({ $max: { deletedVersion: Math.max(...versions) } });
  }

  /** Gives up claims of keys that no record has. */
  async #tidyUp(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    // Whoever comes to have one of them later writes to what claims it, which is refused below.
    const found = await this.#look(keys);
    const records = found.filter(isToken).map(({ record }) => recordIn(record));
    // What is damaged may have every key.
    const held = records.flatMap((record) => (record ? digestsOf(digestedKeysOf(record)) : keys));
    const idle = keys.filter((key) => !held.includes(key));
    const claiming = found.filter((document) => claimsOne(document, idle));
    await this.#documents.write(...claiming.map((document) => withoutClaims(document, idle)));
  }
}

/** The document of a commit's record, as it shall be. */
function afterCommit(
  { record, replaces, writeId, keys }: Commit<MongoEntry>,
  before: StoreDocument,
  more: readonly string[],
): StoreDocument {
  const own = digestsOf(keys);
  const wereShared = before.shared;
  const isNeeded = (key: string) => own.includes(key) || wereShared.includes(key);
  const claims = union(before.claims, more).filter(isNeeded);
  const all = union(own, claims);
  return next(before, {
    kind: 'token',
    keys: all,
    claims,
    shared: all.filter((key) => wereShared.includes(key) || !claims.includes(key)),
    writeIds: withWriteId(writeId, replaces?.writeIds),
    record: toStored(record),
  });
}

/** Whether a record that shares keys with others may agree with them now, and did not before. */
function comesToAgree({ record, replaces }: Commit<MongoEntry>): boolean {
  return replaces !== null && isRenamed(replaces.record, record);
}

function entryOf(document: StoreDocument, found: readonly StoreDocument[]): MongoEntry {
  const { writeIds = [], shared } = document;
  return { record: recordOf(document), writeIds, sharedKeys: shared, document, found };
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
function recordOf({ record }: StoreDocument): StoredRecord {
  const stored = recordIn(record);
  if (stored === undefined) throw recordCorrupt(undefined, 'its document holds no record');
  return stored;
}

function revisionsOf(documents: readonly StoreDocument[]): string {
  const revisions = documents.map(({ _id, revision }) => `${_id} ${revision}`);
  return revisions.sort().join();
}

function isToken({ kind }: StoreDocument): boolean {
  return kind === 'token';
}

function claimsOne({ claims }: StoreDocument, keys: readonly string[]): boolean {
  return claims.some((claim) => keys.includes(claim));
}

/** Whether it is a record that has a key, and no other has it. */
function hasAlone({ kind, claims, shared }: StoreDocument, key = ''): boolean {
  return kind === 'token' && claims.includes(key) && !shared.includes(key);
}

/** The records that have one of the keys. One that is damaged may have them. */
function tokensWith(
  keys: readonly DigestedKey[],
  found: readonly StoreDocument[],
): StoreDocument[] {
  const hasOne = (record = Object()) => keys.some(({ field, value }) => record[field] === value);
  return found
    .filter(isToken)
    .filter(({ record }) => hasOne(record) || recordIn(record) === undefined);
}
