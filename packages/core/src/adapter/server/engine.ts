import type { TokenStoreError } from '../../errors.ts';
import type { StoredRecord } from '../../token/token-fields.ts';
import type { STALE } from '../stale.ts';
import type { MaybePromise } from '../token-storage.ts';
import { type DigestedKey, digestsOf } from './digested-key.ts';

/** A record as it was read, and what {@link Engine.commit} needs to find out whether it is still so. */
export interface Entry {
  readonly record: StoredRecord;
  /**
   * The ids of the writes that wrote the record, newest first: the last {@link MAX_WRITE_IDS}, or all
   * there were. They tell whether a write whose answer was lost has happened.
   */
  readonly writeIds: readonly string[];
  /**
   * Digests of those of its keys that another record may have as well (contract M2 lets records of
   * different owners share a value).
   */
  readonly sharedKeys: readonly string[];
}

/** How many write ids are kept with a record. */
export const MAX_WRITE_IDS = 8;

/** Write ids as they are after another write, see {@link Entry.writeIds}. */
export function withWriteId(writeId: string, before: readonly string[] = []): string[] {
  return [writeId, ...before.slice(0, MAX_WRITE_IDS - 1)];
}

/** What {@link Engine.read} found. That a key leads to no entry says that no record has it. */
export interface Snapshot<E extends Entry> {
  readonly entries: readonly E[];
  /** See `Decide`: needed where an id is among the keys and no record has it. */
  readonly deletedVersion?: number | undefined;
}

/** A change, and all that it was decided on. */
export interface Commit<E extends Entry> {
  /** To be kept with the record, see {@link withWriteId}: 22 characters of base64url, unique. */
  readonly writeId: string;
  /** The record as it shall be. */
  readonly record: StoredRecord;
  /** The entry that it takes the place of; `null` to add one. Same id, same place in the order. */
  readonly replaces: E | null;
  /** Entries that go. */
  readonly absorbs: readonly E[];
  /** Entries that were read besides, and stay: they share keys with the record. */
  readonly others: readonly E[];
  /** Every key of the record from now on, the one of its id first. */
  readonly keys: readonly DigestedKey[];
  /** Keys that it was decided by: `replaces`, `absorbs` and `others` are all that have one of them. */
  readonly askedKeys: readonly DigestedKey[];
  /**
   * Those among `keys` that `replaces` does not have. One that neither `absorbs` nor `others` have is
   * nobody's, and must still be nobody's when it is written.
   */
  readonly addedKeys: readonly DigestedKey[];
  /** Keys of `replaces` and `absorbs` that the record does not have. */
  readonly removedKeys: readonly DigestedKey[];
  /** Keys that were read, that nobody has, and that the record does not get. */
  readonly absentKeys: readonly DigestedKey[];
  /** The `deletedVersion` that the record's version was decided on, if it was: it must still be so. */
  readonly deletedVersion: number | undefined;
}

/** The keys that nobody had, and that nobody may have when the commit is done. */
export function keysToBeFree<E extends Entry>(commit: Commit<E>): DigestedKey[] {
  const { absorbs, others, addedKeys, absentKeys } = commit;
  const held = [...absorbs, ...others].map(({ record }) => record);
  const isFree = ({ field, value }: DigestedKey) => held.every((record) => record[field] !== value);
  return [...addedKeys.filter(isFree), ...absentKeys];
}

/** What is to be kept with the record, where the engine knows no more of shared keys than it has read. */
export function entryAfter<E extends Entry>(commit: Commit<E>): Entry {
  const { writeId, record, replaces, others, keys } = commit;
  const wereShared = sharedBefore(commit);
  const isShared = ({ field, value, digest }: DigestedKey) =>
    wereShared.includes(digest) || others.some((other) => other.record[field] === value);
  return {
    record,
    writeIds: withWriteId(writeId, replaces?.writeIds),
    sharedKeys: digestsOf(keys.filter(isShared)),
  };
}

/** Keys but for ids that nobody has any more when the commit is done. Of shared keys that is not known. */
export function freedKeys<E extends Entry>(commit: Commit<E>): DigestedKey[] {
  const wereShared = sharedBefore(commit);
  const isFreed = ({ field, digest }: DigestedKey) =>
    field !== 'id' && !wereShared.includes(digest);
  return commit.removedKeys.filter(isFreed);
}

/** Whether it is the usual change: of one record, with keys that no other has or had. */
export function concernsOneRecord<E extends Entry>(commit: Commit<E>): boolean {
  const { absorbs, others, removedKeys } = commit;
  const noneWasShared = freedKeys(commit).length === removedKeys.length;
  return absorbs.length === 0 && others.length === 0 && noneWasShared;
}

function sharedBefore<E extends Entry>({ replaces, absorbs }: Commit<E>): string[] {
  return [...(replaces?.sharedKeys ?? []), ...absorbs.flatMap(({ sharedKeys }) => sharedKeys)];
}

/**
 * A database that can compare and set. `OptimisticStorage` makes a `TokenStorage` of it, and does
 * all the rest once for all of them.
 *
 * What it throws goes through `translateError`. `CONNECTION_FAILED` and `TIMEOUT` from a commit
 * mean that it may have happened or may happen yet; any other error that it has not.
 */
export interface Engine<E extends Entry = Entry> {
  /** Connects, and creates what is needed. Called again after it failed. */
  open(): MaybePromise<void>;

  /**
   * Reads every record that has at least one of the keys.
   *
   * Either all of it was so at one moment, or `commit` finds that it was not.
   *
   * @param guess the entry that these keys led to last, if it is known and the only one: an engine
   *   may read it by its id, which can be faster, if it makes sure that they lead there still
   */
  read(keys: readonly DigestedKey[], guess?: E): MaybePromise<Snapshot<E>>;

  /**
   * The same for a find, where that can be done with less: all read at one moment.
   *
   * @default what `read` gives
   */
  find?(keys: readonly DigestedKey[]): MaybePromise<readonly StoredRecord[]>;

  /**
   * Writes the change in one step, if what it was decided on still holds:
   *
   * - `replaces`, `absorbs` and `others` are as they were read;
   * - no other record has come to have one of `askedKeys`;
   * - `addedKeys` that nobody had, and `absentKeys`, are still nobody's.
   *
   * @returns the entry as it was written, or {@link STALE}
   */
  commit(commit: Commit<E>): MaybePromise<E | typeof STALE>;

  /**
   * Removes the record with this id, if there is one, a damaged one too, and sees to `deletedVersion`
   * in the same step or before.
   *
   * @param ifVersion if it is given, the record must have this version: see `refuseOtherVersion`
   * @returns {@link STALE} where it has to be tried again
   */
  delete(key: DigestedKey, ifVersion: number | undefined): MaybePromise<undefined | typeof STALE>;

  /** As `TokenStorage.pages`. */
  pages(): AsyncIterable<readonly StoredRecord[]>;

  /** As `TokenStorage.clear`: what it has not removed when it fails, it does not remove later. */
  clear(): MaybePromise<void>;

  /** Frees what `open()` opened. Only called if it was called. */
  close(): MaybePromise<void>;

  /** The driver's error in our terms; `undefined` for one that it does not know. */
  translateError(error: unknown): TokenStoreError | undefined;
}
