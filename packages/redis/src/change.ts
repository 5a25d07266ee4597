import { type Commit, type DigestedKey, withWriteId } from '@tokenkeep/core/adapter/server';
import { fieldOf, type RedisEntry, storedValue } from './redis-entry.ts';

type Pair = readonly [string, string];

/** What is written in one step, and what it was decided on. Records are named by the digest of their id. */
export interface Change {
  readonly written?: RedisEntry;
  /** Fields of records, and how their values must begin. */
  readonly unchanged: readonly Pair[];
  /** Other fields, and what their values must be; `''`: there must be none. */
  readonly expected?: readonly Pair[];
  /** Fields of other records, and their new values. */
  readonly set?: readonly Pair[];
  /** Fields of keys that lead to the written record from now on. */
  readonly joined?: readonly string[];
  /** Fields of keys, and records that they no longer lead to. */
  readonly left: readonly Pair[];
  readonly removed: readonly string[];
  /** The highest version of those that are removed. */
  readonly deletedVersion: number;
}

/** The arguments of the script `CHANGE`: each list begins with how many items it has. */
export function argumentsOf(change: Change): string[] {
  const { written, unchanged, expected = [], set = [], joined = [], left, removed } = change;
  const lists = [unchanged.flat(), expected.flat(), set.flat(), joined, left.flat(), removed];
  return [
    ...(written
      ? [written.digest, storedValue(written), `${written.record.version}`]
      : ['', '', '0']),
    `${change.deletedVersion}`,
    ...lists.flatMap((list) => [`${list.length}`, ...list]),
  ];
}

/**
 * A commit as a change. Records that come to share a key with the written one get its write id as
 * well: what was decided on their having the key alone finds that they are no longer as they were.
 */
export function changeOf(commit: Commit<RedisEntry>): Change & { written: RedisEntry } {
  const { writeId, record, replaces, absorbs, others, keys, addedKeys, removedKeys } = commit;
  const before = replaces === null ? [] : [replaces];
  const read = [...before, ...absorbs, ...others];
  const isFree = (key: DigestedKey) => !read.some((entry) => has(entry, key));
  const isJoined = (entry: RedisEntry) => addedKeys.some((key) => has(entry, key));
  const leave = (key: DigestedKey, entries: readonly RedisEntry[]) =>
    entries.filter((entry) => has(entry, key)).map(({ digest }): Pair => [fieldOf(key), digest]);
  const free = [...addedKeys.filter(isFree), ...commit.absentKeys].map(
    (key): Pair => [fieldOf(key), ''],
  );
  const { deletedVersion } = commit;
  return {
    written: {
      digest: keys[0]?.digest ?? '',
      record,
      writeIds: withWriteId(writeId, replaces?.writeIds),
      sharedKeys: keys
        .filter(
          (key) =>
            replaces?.sharedKeys.includes(key.digest) || others.some((each) => has(each, key)),
        )
        .map(({ digest }) => digest),
    },
    unchanged: read.map(({ digest, writeIds }) => [`record:${digest}`, writeIds[0] ?? '']),
    expected:
      deletedVersion === undefined
        ? free
        : [...free, ['deletedVersion', `${deletedVersion || ''}`]],
    set: others
      .filter(isJoined)
      .map((each) => [
        `record:${each.digest}`,
        storedValue({ record: each.record, writeIds: withWriteId(writeId, each.writeIds) }),
      ]),
    joined: addedKeys.filter(isNoId).map(fieldOf),
    left: [
      ...keys.filter(isNoId).flatMap((key) => leave(key, absorbs)),
      ...removedKeys.filter(isNoId).flatMap((key) => leave(key, [...before, ...absorbs])),
    ],
    removed: absorbs.map(({ digest }) => digest),
    deletedVersion: Math.max(0, ...absorbs.map((absorbed) => absorbed.record.version)),
  };
}

function has({ record }: RedisEntry, { field, value }: DigestedKey): boolean {
  return record[field] === value;
}

function isNoId({ field }: DigestedKey): boolean {
  return field !== 'id';
}
