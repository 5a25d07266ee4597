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
 * Renamed records (a new user or client under an explicit id) want all of their keys anew. A record
 * that gets a user or a client where it had none agrees with fewer others than before, so it can
 * not come to agree with one that another save has seen and found to be somebody else's.
 */
import { agrees, keyDigest, keysOf, type StoredRecord } from '@tokenkeep/core';
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

/** The digests of what is in a record itself, that of its id first. */
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
  const { record, replaces, absorbs } = change;
  const keys = recordKeys(record);
  const [idKey = '', ...sharable] = keys;
  const before = replaces !== null && !isRenamed(replaces.record, record) ? ownKeys(replaces) : [];
  const joined = sharable.filter((key) => !before.includes(key));
  const unknown = joined.filter((key) => !seen.keys.has(key));
  if (unknown.length > 0) return { step: 'look up', keys: unknown };

  const others = seen.records.filter((other) => other !== replaces && !absorbs.includes(other));
  const gates: WantedGate[] = [];
  const emptied: GateDocument[] = [];
  const claims = [idKey];
  for (const key of sharable) {
    const halves = halvesOf(key);
    if (!joined.includes(key)) {
      claims.push(...halves.filter((half) => replaces?.claims.includes(half)));
      continue;
    }
    const gate = seen.gates.find((each) => each.keys.includes(key));
    const holders = others.filter((other) => ownKeys(other).includes(key));
    if ((gate !== undefined || holders.length > 0) && !isHeldFor(gate, lock)) {
      gates.push({ key, gate, holders });
    }
    const free = halves.filter((half) => !isClaimed(half, [gate, ...holders, ...absorbs]));
    claims.push(...free);
    if (gate !== undefined && holders.length === 0 && free.length > 0) emptied.push(gate);
  }
  const records = absorbs.filter((other) => !isHeldFor(other, lock));
  if (records.length > 0 || gates.length > 0) return { step: 'lock', records, gates };
  return { step: 'write', keys, claims, emptied };
}

/** The claims of a record that gave up one half of each key of which it has both. */
export function withoutSecondHalves(document: RecordDocument): string[] {
  const given = document.keys.flatMap((key) => {
    const [first, second] = halvesOf(key);
    return document.claims.includes(first) ? [second] : [];
  });
  return document.claims.filter((claim) => !given.includes(claim));
}

/** Keys that may have a gate: those that the record has not both halves of. */
export function perhapsGated(document: RecordDocument): string[] {
  const [, ...sharable] = ownKeys(document);
  return sharable.filter((key) => !halvesOf(key).every((half) => document.claims.includes(half)));
}

/** Whether a claim is in one of the documents. */
export function isClaimed(
  claim: string,
  documents: readonly (StoreDocument | undefined)[],
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

function isRenamed(before: StoredRecord, after: StoredRecord): boolean {
  return (
    (before.userName != null && before.userName !== after.userName) ||
    (before.clientId != null && before.clientId !== after.clientId)
  );
}
