import { randomUUID } from 'node:crypto';
import type { StoredRecord } from '@tokenkeep/core';
import type { Decide } from '@tokenkeep/core/adapter';
import type { LastWritten } from '@tokenkeep/core/adapter/server';
import {
  type DocumentChange,
  gateId,
  halvesOf,
  isClaimed,
  isConsistent,
  isHeldFor,
  isVague,
  mayBeShared,
  ownKeys,
  perhapsGated,
  planWrite,
  type Seen,
  sortOut,
  type WantedGate,
  type WritePlan,
  withoutSecondHalves,
} from './claims.ts';
import type { Documents, Lock, RecordDocument, StoreDocument } from './documents.ts';

/** More often than this a save does not look again at once: others may be in its way. */
const MOST_LOOKS = 5;

/**
 * Writes one record, in steps of one document each, after the plan of `claims.ts`. It may be
 * stopped between any two of them: what is left over is in nobody's way for long.
 */
export class RecordWriter {
  readonly #documents: Documents;
  readonly #lockPatience: number;
  readonly #lastWritten: LastWritten<RecordDocument>;
  readonly #lockFirstSeen = new Map<string, number>();
  #shell: string | undefined;
  #lock: Lock | undefined;
  #order: number | undefined;

  /** @param lockPatience how long others may hold a lock before it is broken: milliseconds */
  constructor(
    documents: Documents,
    lockPatience: number,
    lastWritten: LastWritten<RecordDocument>,
  ) {
    this.#documents = documents;
    this.#lockPatience = lockPatience;
    this.#lastWritten = lastWritten;
  }

  /** Tries to save. @returns `false` if others were faster and it has to be tried again */
  async save(wanted: readonly string[], decide: Decide): Promise<boolean> {
    if (await this.#saveOver(this.#lastWritten.take(wanted), wanted, decide)) return true;
    let keys = wanted;
    for (let looks = 0; looks < MOST_LOOKS; looks += 1) {
      const seen = await this.#look(keys);
      let change: DocumentChange | null;
      try {
        change = changeOf(wanted, seen, decide);
      } catch (error) {
        // Not before it was seen twice: a record that takes the place of another may show up late.
        const isCertain = looks > 0 && isConsistent(seen.records);
        if (isCertain || looks === MOST_LOOKS - 1) throw error;
        continue;
      }
      if (change === null) return true;
      for (const document of [change.replaces, ...change.absorbs]) {
        if (document !== null && !(await this.#isFree(document))) return false;
      }
      const plan = planWrite(change, seen, this.#lockFor(change.replaces));
      if (plan.step === 'look up') keys = [...keys, ...plan.keys];
      else if (plan.step === 'write') return this.#write(change, plan);
      else if (!(await this.#getLocks(change, plan))) return false;
    }
    return false;
  }

  /**
   * Saves over the document that this store wrote last, without a look. The write is refused if the
   * document has another revision by now, or if a key that is new to it is not free. A key of which
   * the document has both halves is in no other, so the rest is as if it had been looked up.
   */
  async #saveOver(
    last: RecordDocument | undefined,
    wanted: readonly string[],
    decide: Decide,
  ): Promise<boolean> {
    if (last === undefined) return false;
    const seen = sortOut(wanted, [last]);
    if (mayBeShared(last, wanted, seen)) return false;
    let change: DocumentChange | null;
    try {
      change = changeOf(wanted, seen, decide);
    } catch {
      // Only what is read is a reason to refuse a save.
      return false;
    }
    if (change === null || change.replaces === null) return false;
    const plan = planWrite(change, seen, undefined);
    if (plan.step !== 'write') return false;
    const isSaved = await this.#write(change, plan, last.record);
    if (!isSaved) this.#lastWritten.giveUp(last.record.id);
    return isSaved;
  }

  /** Tries to remove the record with this id. @returns `false` if it has to be tried again */
  async remove(id: string, idKey: string): Promise<boolean> {
    const seen = await this.#look([idKey]);
    const document = seen.records.find(({ record }) => record.id === id);
    if (document === undefined) return true;
    if (!(await this.#isFree(document))) return false;
    if (!(await this.#documents.remove(document._id, document.revision))) return false;
    await this.#afterwards(() => this.#removeEmptyGates(perhapsGated(document)));
    return true;
  }

  /** Takes away what was put up for a save that did not come to anything. */
  async end(): Promise<void> {
    if (this.#shell === undefined) return;
    await this.#documents.remove(this.#shell, 0);
    this.#shell = undefined;
  }

  async #look(keys: readonly string[]): Promise<Seen> {
    const seen = sortOut(keys, await this.#documents.find(keys));
    // Left over by one who could not go on, they still have their claims.
    if (seen.absorbed.length > 0) await this.#bury(seen.absorbed);
    return seen;
  }

  /** Removes absorbed records. Counted first, so that whoever reads all records meanwhile knows. */
  async #bury(absorbed: readonly string[]): Promise<void> {
    await this.#documents.countMerge();
    await this.#documents.removeAll(absorbed);
  }

  /** The lock that is held for the record which takes the place of `replaces`. */
  #lockFor(replaces: RecordDocument | null): Lock | undefined {
    if (replaces === null) return this.#lock?.for === this.#shell ? this.#lock : undefined;
    // Moved on by another, it still shows the lock, but that is broken.
    const isUnbroken = isHeldFor(replaces, this.#lock) && replaces.revision === this.#lock?.at;
    return isUnbroken ? this.#lock : undefined;
  }

  /** Whether a document may be written to, as far as its lock goes. Breaks one that was held too long. */
  async #isFree(document: StoreDocument): Promise<boolean> {
    const { lock } = document;
    if (lock === undefined || isHeldFor(document, this.#lock)) return true;
    if (lock.for === document._id) {
      return lock.at !== document.revision || this.#isPatienceOver(lock);
    }
    const holder = await this.#documents.get(lock.for);
    if (holder === null || holder.revision !== lock.at) {
      const isAbsorbed = holder?.kind === 'record' && holder.absorbed?.includes(document._id);
      return !isAbsorbed;
    }
    if (this.#isPatienceOver(lock)) await this.#moveOn(holder);
    return false;
  }

  #isPatienceOver(lock: Lock): boolean {
    const name = `${lock.for} ${lock.at}`;
    const now = performance.now();
    const firstSeen = this.#lockFirstSeen.get(name) ?? now;
    this.#lockFirstSeen.set(name, firstSeen);
    // Not all at the same time: two that hold what the other wants would break each other's.
    return now - firstSeen >= this.#lockPatience * (1 + Math.random());
  }

  async #moveOn(holder: StoreDocument): Promise<void> {
    const { _id, revision } = holder;
    if (holder.kind === 'shell') await this.#documents.remove(_id, revision);
    else await this.#documents.replace(revision, { ...holder, revision: revision + 1 });
  }

  async #getLocks(
    { replaces }: DocumentChange,
    plan: WritePlan & { step: 'lock' },
  ): Promise<boolean> {
    const lock = this.#lockFor(replaces) ?? (await this.#reserve(replaces));
    if (lock === undefined) return false;
    for (const record of plan.records) {
      if (!(await this.#isFree(record))) return false;
      const locked = {
        ...settled(record),
        revision: record.revision + 1,
        claims: withoutSecondHalves(record),
        lock,
      };
      if (!(await this.#documents.replace(record.revision, locked))) return false;
    }
    // In an order, so that of two who want the same gates one gets them all.
    for (const wanted of plan.gates.toSorted((a, b) => (a.key < b.key ? -1 : 1))) {
      if (!(await this.#getGate(wanted, lock))) return false;
    }
    return true;
  }

  /** Makes the record, or the place where it will be, one that locks can be held for. */
  async #reserve(replaces: RecordDocument | null): Promise<Lock | undefined> {
    await this.end();
    if (replaces === null) {
      // Before it has a lock: deleteTokens goes by that, see `DocumentStorage.clear`.
      await this.#newOrder();
      const _id = randomUUID();
      this.#shell = _id;
      this.#lock = { for: _id, at: 0 };
      await this.#documents.insert({ _id, kind: 'shell', revision: 0, keys: [], claims: [_id] });
      return this.#lock;
    }
    const revision = replaces.revision + 1;
    // Held for itself: others let it be while its locks are got.
    this.#lock = { for: replaces._id, at: revision };
    const reserved = { ...settled(replaces), revision, lock: this.#lock };
    return (await this.#documents.replace(replaces.revision, reserved)) ? this.#lock : undefined;
  }

  async #getGate({ key, gate, holders }: WantedGate, lock: Lock): Promise<boolean> {
    if (gate !== undefined) {
      if (!(await this.#isFree(gate))) return false;
      const revision = gate.revision + 1;
      return this.#documents.replace(gate.revision, { ...gate, revision, lock });
    }
    const halves = halvesOf(key);
    const loosened: RecordDocument[] = [];
    for (const holder of holders) {
      const claims = withoutSecondHalves(holder);
      if (!halves.every((half) => holder.claims.includes(half))) {
        loosened.push(holder);
        continue;
      }
      if (!(await this.#isFree(holder))) return false;
      const revision = holder.revision + 1;
      if (!(await this.#documents.replace(holder.revision, { ...holder, revision, claims }))) {
        return false;
      }
      loosened.push({ ...holder, revision, claims });
    }
    const half = halves.find((each) => !isClaimed(each, loosened));
    if (half === undefined) return false;
    const _id = gateId(key);
    return this.#documents.insert({
      _id,
      kind: 'gate',
      revision: 0,
      keys: [key],
      claims: [half],
      lock,
    });
  }

  async #write(
    { record, replaces, absorbs }: DocumentChange,
    plan: WritePlan & { step: 'write' },
    before?: StoredRecord,
  ): Promise<boolean> {
    const order = replaces?.order ?? (await this.#newOrder());
    const document: RecordDocument = {
      _id: replaces?._id ?? this.#shell ?? randomUUID(),
      kind: 'record',
      revision: (replaces?.revision ?? 0) + 1,
      order,
      keys: [...new Set([...plan.keys, ...absorbs.flatMap((absorbed) => absorbed.keys)])],
      claims: plan.claims,
      record,
      ...(absorbs.length > 0 && { absorbed: absorbs.map((absorbed) => absorbed._id) }),
    };
    const isNew = replaces === null && this.#shell === undefined;
    const written = isNew
      ? await this.#documents.insert(document)
      : await this.#documents.replace(document.revision - 1, document, before);
    if (!written) {
      // Perhaps it was taken away, so that nothing comes of the locks that are held for it.
      await this.end();
      return false;
    }
    this.#shell = undefined;
    // What it absorbed is taken off it again, so that it does not stay as it is.
    if (document.absorbed === undefined) {
      const shared = perhapsGated(document);
      const sole = document.keys.filter((key) => !shared.includes(key));
      this.#lastWritten.keep(record, sole, document);
    }
    await this.#afterwards(() => this.#tidyUp(document, replaces, plan));
    return true;
  }

  async #afterwards(tidyUp: () => Promise<void>): Promise<void> {
    try {
      await tidyUp();
    } catch {
      // What was asked for has happened, and whoever finds something left over takes it away.
    }
  }

  async #newOrder(): Promise<number> {
    this.#order ??= await this.#documents.nextOrder();
    return this.#order;
  }

  async #tidyUp(
    document: RecordDocument,
    replaces: RecordDocument | null,
    plan: WritePlan & { step: 'write' },
  ): Promise<void> {
    if (document.absorbed !== undefined) {
      await this.#bury(document.absorbed);
      const revision = document.revision + 1;
      await this.#documents.replace(document.revision, { ...settled(document), revision });
    }
    for (const { _id, revision } of plan.emptied) await this.#documents.remove(_id, revision);
    if (replaces !== null) {
      await this.#removeEmptyGates(
        perhapsGated(replaces).filter((key) => !plan.keys.includes(key)),
      );
    }
  }

  async #removeEmptyGates(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      const gate = await this.#documents.get(gateId(key));
      // Whoever wants its lock, or has it, takes it away in the end.
      if (gate === null || !(await this.#isFree(gate))) continue;
      const { lock: _, ...unlocked } = { ...gate, revision: gate.revision + 1 };
      if (!(await this.#documents.replace(gate.revision, unlocked))) continue;
      // Looked for after the gate was moved on: nobody can have come in since.
      const left = await this.#documents.find([key]);
      if (left.every(({ _id }) => _id === gate._id)) {
        await this.#documents.remove(gate._id, unlocked.revision);
      }
    }
  }
}

/** What was decided, about documents. */
function changeOf(wanted: readonly string[], seen: Seen, decide: Decide): DocumentChange | null {
  const documentOf = new Map(seen.records.map((document) => [document.record, document]));
  const documentThatWasRead = (record: StoredRecord): RecordDocument => {
    const document = documentOf.get(record);
    if (document === undefined) throw new Error('the change is about a record that was not read');
    return document;
  };
  const records = [...documentOf.keys()];
  let decided = decide(records);
  if (decided === null) return null;
  let isTokenVague = false;
  if (
    decided.replaces !== null &&
    mayBeShared(documentThatWasRead(decided.replaces), wanted, seen)
  ) {
    isTokenVague = isVague(decided, records, decide);
    decided = decide(records) ?? decided;
  }
  return {
    record: decided.record,
    replaces: decided.replaces && documentThatWasRead(decided.replaces),
    absorbs: decided.absorbs.map(documentThatWasRead),
    wanted,
    isVague: isTokenVague,
  };
}

/** The record without what it absorbed (which was removed) and without its lock. */
function settled(document: RecordDocument): RecordDocument {
  const { absorbed: _absorbed, lock: _lock, ...rest } = document;
  return { ...rest, keys: ownKeys(document) };
}
