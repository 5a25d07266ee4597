/**
 * How records share keys, with nothing but writes that are atomic for one document.
 *
 * The contract wants that no two records which agree (M2) have the same key, whatever is saved at
 * once. A unique index on the keys would refuse too much: one user of two clients is two records.
 * So the unique index is on *claims*, and a key has two of them, its halves.
 *
 * - **A key without a gate** has at most one record. That record has at least one of its halves.
 *   Whoever wants a key that nobody has takes both, so the database lets in one of any number.
 * - **A key with a gate** may have several records. The gate, a document, has one of the halves, so
 *   nobody can take both. A record that wants the key needs the gate's lock, looks for the others
 *   once it has it, and writes.
 * - **A gate is made** when a record wants a key that another has: that other is made to give up one
 *   half (it keeps one), and the gate takes it. At no moment is the key without a claim.
 * - **A lock** says for which record it is held, and at which revision of it. It is broken by moving
 *   that record on, and then the write that it was held for is refused, however late it comes. A
 *   record that is yet to be added has a shell in its place, so that it can be moved on, too.
 * - **Absorbing** (C5): a lock on the other record keeps it as it was read; then one write makes the
 *   record what it shall be and names the others in `absorbed`: from that moment they count no more,
 *   for every reader. Then they are removed. Before it is locked, the other gives up one half of
 *   each key, as above, so that the record which takes its place can claim the key, too.
 *
 * A record that only changes, and takes no key but new ones, needs none of this: one write, which is
 * refused if the record is not as it was read or a key is not free.
 *
 * But what was decided must be true when it is written, for every key of the token. So there are
 * keys that a save has to get as if its record did not have them yet:
 *
 * - those of a renamed record (a new user or client under an explicit id), which may come to agree
 *   with others that have them. One that gets a user or a client where it had none agrees with fewer
 *   than before, so it can not come to agree with one that was found to be somebody else's;
 * - those by which a *vague* token, one that names no user or no client, means a record that does:
 *   it would mean another, too, that comes to have them;
 * - an id that no record has, where the token means a record by another key.
 */
import type { StoredRecord } from '@tokenkeep/core';
import type { Decide, RecordChange } from '@tokenkeep/core/adapter';
import { keyDigest } from '@tokenkeep/core/adapter/server';
import { agrees, isRenamed, keysOf } from '@tokenkeep/core/rules';
import type { GateDocument, Lock, RecordDocument, StoreDocument } from './documents.ts';

/** What a look at the documents showed. */
export interface Seen {
  /** The digests that were looked up. */
  readonly keys: ReadonlySet<string>;
  /** The records that count. */
  readonly records: readonly RecordDocument[];
  readonly gates: readonly GateDocument[];
  /** The `_id`s of records that may still be there and count no more. */
  readonly absorbed: readonly string[];
}

/** Sorts what was found: absorbed records do not count. */
export function sortOut(keys: readonly string[], found: readonly StoreDocument[]): Seen {
  const records = found.filter((document) => document.kind === 'record');
  const absorbed = records.flatMap((document) => document.absorbed ?? []);
  return {
    keys: new Set(keys),
    records: records.filter((document) => !absorbed.includes(document._id)),
    gates: found.filter((document) => document.kind === 'gate'),
    absorbed,
  };
}

/** The digests of a record's keys, that of its id first. */
export function recordKeys(record: StoredRecord): string[] {
  return keysOf(record).map(keyDigest);
}

/** The digests of what is in a record itself. */
export function ownKeys(document: RecordDocument): readonly string[] {
  return document.absorbed === undefined ? document.keys : recordKeys(document.record);
}

/** The two claims of a key. */
export function halvesOf(key: string): [string, string] {
  return [`${key}a`, `${key}b`];
}

/** The `_id` of a key's gate. */
export function gateId(key: string): string {
  return `gate ${key}`;
}

/** What a save wants to write, as {@link planWrite} takes it. */
export interface DocumentChange {
  readonly record: StoredRecord;
  /** The document that it takes the place of; `null` to add one. */
  readonly replaces: RecordDocument | null;
  readonly absorbs: readonly RecordDocument[];
  /** The digests of the token's keys. */
  readonly wanted: readonly string[];
  /** See {@link isVague}; only asked for where {@link mayBeShared}. */
  readonly isVague: boolean;
}

/** A key for whose gate a lock is needed. */
export interface WantedGate {
  readonly key: string;
  /** `undefined` where it has to be made first. */
  readonly gate: GateDocument | undefined;
  /** The records that have the key. */
  readonly holders: readonly RecordDocument[];
}

/** The next thing to do, see {@link planWrite}. */
export type WritePlan =
  | { readonly step: 'look up'; readonly keys: readonly string[] }
  | {
      readonly step: 'lock';
      readonly records: readonly RecordDocument[];
      readonly gates: readonly WantedGate[];
    }
  | {
      readonly step: 'write';
      readonly keys: readonly string[];
      readonly claims: readonly string[];
      /** Gates of keys that no other record has any more: not needed after the write. */
      readonly emptied: readonly GateDocument[];
    };

/**
 * What to do next to write a change: look up more keys, get locks and look again, or write. Pure.
 *
 * @param lock the lock that is held for the record that the change is about, if there is one. What
 *   was seen must have been looked up after the locks were got.
 */
export function planWrite(change: DocumentChange, seen: Seen, lock: Lock | undefined): WritePlan {
  const { record, replaces, absorbs, wanted } = change;
  const keys = recordKeys(record);
  const [idKey] = keys;
  const absent = wanted.filter((key) => !keys.includes(key));
  const isRenewed = replaces === null || isRenamed(replaces.record, record);
  const kept = isRenewed
    ? []
    : ownKeys(replaces).filter((key) => !(change.isVague && wanted.includes(key)));
  const gotten = [...keys.filter((key) => !kept.includes(key)), ...absent];
  // An id that was not asked for is new, or the record's own: no other can have it.
  const unknown = gotten.filter((key) => !seen.keys.has(key) && key !== idKey);
  if (unknown.length > 0) return { step: 'look up', keys: unknown };

  const claims = keys
    .filter((key) => kept.includes(key))
    .flatMap((key) => halvesOf(key).filter((half) => isClaimed(half, [replaces])));
  const others = seen.records.filter((other) => other !== replaces && !absorbs.includes(other));
  const gates: WantedGate[] = [];
  const emptied: GateDocument[] = [];
  for (const key of gotten) {
    const isAbsent = absent.includes(key);
    const gate = seen.gates.find((each) => each.keys.includes(key));
    const holders = others.filter((other) => ownKeys(other).includes(key));
    const isOpen = !isAbsent && gate === undefined && holders.length === 0;
    if (!isOpen && !isHeldFor(gate, lock)) gates.push({ key, gate, holders });
    const taken = [gate, ...holders, ...absorbs];
    const free = isAbsent ? [] : halvesOf(key).filter((half) => !isClaimed(half, taken));
    claims.push(...free);
    const isSole = holders.length === 0 && (isAbsent || free.length > 0);
    if (gate !== undefined && isSole) emptied.push(gate);
  }
  const records = absorbs.filter((other) => !isHeldFor(other, lock));
  if (records.length > 0 || gates.length > 0) return { step: 'lock', records, gates };
  return { step: 'write', keys, claims, emptied };
}

/** Whether one of the keys by which a token means a record could get another holder unnoticed. */
export function mayBeShared(
  document: RecordDocument,
  wanted: readonly string[],
  { gates }: Seen,
): boolean {
  const shared = [...perhapsGated(document), ...gates.flatMap((gate) => gate.keys)];
  return wanted.some((key) => shared.includes(key));
}

/**
 * Whether a token is vague: whether it would be decided otherwise if another user, or another
 * client, had the keys of the record, too. `decide` has to be asked again afterwards: what it is
 * asked last counts.
 */
export function isVague(
  decided: RecordChange,
  records: readonly StoredRecord[],
  decide: Decide,
): boolean {
  const { record } = decided;
  const id = `not ${record.id}`;
  const strangers: StoredRecord[] = [];
  if (record.userName != null)
    strangers.push({ ...record, id, userName: `not ${record.userName}` });
  if (record.clientId != null)
    strangers.push({ ...record, id, clientId: `not ${record.clientId}` });
  return strangers.some((stranger) => {
    try {
      return decide([...records, stranger])?.absorbs.includes(stranger) ?? true;
    } catch {
      return true;
    }
  });
}

/** The claims of a record that gave up one half of each key of which it has both. */
export function withoutSecondHalves(document: RecordDocument): string[] {
  const given = document.keys.flatMap((key) => {
    const [first, second] = halvesOf(key);
    return document.claims.includes(first) ? [second] : [];
  });
  return document.claims.filter((claim) => !given.includes(claim));
}

/** Keys that may have a gate: those of which the record has not both halves. */
export function perhapsGated(document: RecordDocument): string[] {
  return ownKeys(document).filter(
    (key) => !halvesOf(key).every((half) => document.claims.includes(half)),
  );
}

/** Whether a claim is in one of the documents. */
export function isClaimed(
  claim: string,
  documents: readonly (StoreDocument | null | undefined)[],
): boolean {
  return documents.some((document) => document?.claims.includes(claim));
}

/** Whether a document is locked by this very lock. */
export function isHeldFor(document: StoreDocument | undefined, lock: Lock | undefined): boolean {
  return lock !== undefined && document?.lock?.for === lock.for && document.lock.at === lock.at;
}

/**
 * Whether records can have been there at one moment: no two that agree have the same key. Documents
 * that were read one after the other may show one before and one after a save.
 */
export function isConsistent(documents: readonly RecordDocument[]): boolean {
  if (documents.length < 2) return true;
  const holders = new Map<string, StoredRecord[]>();
  for (const document of documents) {
    for (const key of ownKeys(document)) {
      const sharing = holders.get(key) ?? [];
      if (sharing.some((other) => agrees(document.record, other))) return false;
      holders.set(key, [...sharing, document.record]);
    }
  }
  return true;
}
