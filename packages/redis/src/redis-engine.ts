import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { refuseOtherVersion } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type DigestedKey,
  digestedKeysOf,
  type Engine,
  entryAfter,
  type Snapshot,
  STALE,
} from '@tokenkeep/core/adapter/server';
import { Connection } from './connection.ts';
import type { CheckedOptions } from './options.ts';
import { fieldOf, type RedisEntry, recordIn, snapshotIn, storedValue } from './redis-entry.ts';
import { CHANGE, CLEAR, LOOK, OPEN, PAGE } from './scripts.ts';

/** What the script `CHANGE` does, and what it was decided on. Records are named by the digest of their id. */
interface Change {
  /** Records, and how what stands for them must begin. */
  readonly unchanged: Readonly<Record<string, string>>;
  /** Fields of keys that it was decided by, and how many records have each. */
  readonly holders: Readonly<Record<string, number>>;
  /** What the store must have, if it was read. */
  readonly deletedVersion?: number | undefined;
  /** The record that is written, or deleted. */
  readonly digest: string;
  readonly version?: number;
  readonly removed: readonly string[];
  /** Fields of keys, and whether the record has them from now on. */
  readonly keys: Readonly<Record<string, boolean>>;
}

/** Reads and commits records in a hash: each method is one command, and so one round trip and one step. */
export class RedisEngine implements Engine<RedisEntry> {
  readonly #connection: Connection;
  readonly #hash: string;
  readonly #timeout: number;

  constructor(options: CheckedOptions) {
    this.#connection = new Connection(options);
    this.#hash = options.keys[0];
    this.#timeout = options.timeout;
  }

  async open(): Promise<void> {
    await this.#connection.open();
    try {
      let [cursor = '', policy] = await this.#connection.read(OPEN, ['0']);
      while (cursor !== '0') [cursor = ''] = await this.#connection.read(OPEN, [cursor]);
      warnOfEviction(policy);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async read(keys: readonly DigestedKey[], guess?: RedisEntry): Promise<Snapshot<RedisEntry>> {
    const fields = ['deletedVersion', ...keys.map(fieldOf)];
    if (guess !== undefined) {
      // Without a script, which is faster. It gives the same where the keys lead to this record only.
      const args = [this.#hash, ...fields, `record:${guess.digest}`];
      const values = await this.#connection.read('hmget', args);
      const holders = keys.map(({ field, digest }, index) =>
        field === 'id' ? digest : values[index + 1],
      );
      const isSole = holders.every((holder) => holder === '' || holder === guess.digest);
      if (isSole && holders.includes(guess.digest) && values.at(-1) !== '') {
        return snapshotIn(values.toSpliced(-1, 0, guess.digest), keys, guess);
      }
    }
    return snapshotIn(await this.#connection.read(LOOK, fields), keys);
  }

  async commit(commit: Commit<RedisEntry>): Promise<RedisEntry | typeof STALE> {
    const { record, replaces, absorbs, others, keys, askedKeys, addedKeys } = commit;
    const read = [...(replaces === null ? [] : [replaces]), ...absorbs, ...others];
    const holdersOf = ({ field, value }: DigestedKey) =>
      read.filter((entry) => entry.record[field] === value);
    const changed = keys.filter(
      (key) => addedKeys.includes(key) || holdersOf(key).some((entry) => absorbs.includes(entry)),
    );
    const written: RedisEntry = { ...entryAfter(commit), digest: keys[0]?.digest ?? '' };
    const change: Change = {
      unchanged: Object.fromEntries(read.map((entry) => [entry.digest, entry.writeIds[0] ?? ''])),
      holders: Object.fromEntries(
        [...askedKeys, ...addedKeys].map((key) => [fieldOf(key), holdersOf(key).length]),
      ),
      deletedVersion: commit.deletedVersion,
      digest: written.digest,
      version: record.version,
      removed: absorbs.map(({ digest }) => digest),
      keys: { ...fieldsTo(false, commit.removedKeys), ...fieldsTo(true, changed) },
    };
    return (await this.#change(change, storedValue(written))) ? written : STALE;
  }

  async delete(
    { digest }: DigestedKey,
    ifVersion: number | undefined,
  ): Promise<undefined | typeof STALE> {
    const [value = ''] = await this.#connection.read(LOOK, [`record:${digest}`]);
    let record: StoredRecord | null = null;
    try {
      if (value !== '') record = recordIn(digest, value);
    } catch (error) {
      // Damaged, and can be deleted.
      if (ifVersion !== undefined) throw error;
    }
    refuseOtherVersion(record, { ifVersion });
    if (value === '') return;
    const isDone = await this.#change({
      unchanged: { [digest]: value },
      holders: {},
      digest,
      removed: [digest],
      keys: fieldsTo(false, record === null ? [] : digestedKeysOf(record)),
    });
    if (!isDone) return STALE;
  }

  async *pages(): AsyncGenerator<StoredRecord[], void, undefined> {
    for (let start = '-inf'; ; ) {
      const [last, ...values] = await this.#connection.read(PAGE, [start]);
      if (last === '') return;
      start = `(${last}`;
      const records: StoredRecord[] = [];
      for (let at = 0; at < values.length; at += 2) {
        records.push(recordIn(values[at] ?? '', values[at + 1] ?? ''));
      }
      yield records;
    }
  }

  /** One step, which does nothing where it comes so late that the caller was told that it failed. */
  async clear(): Promise<void> {
    const [now] = await this.#connection.read(CLEAR, []);
    const reply = await this.#connection.run(CLEAR, [`${Number(now) + this.#timeout}`]);
    if (reply === 'late') {
      throw new TokenStoreError('TIMEOUT', 'Redis was too slow. Try again; nothing was changed.');
    }
  }

  close(): void {
    this.#connection.close();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return this.#connection.translateError(error);
  }

  /** @returns whether all that it was decided on was still so */
  async #change(change: Change, ...value: string[]): Promise<boolean> {
    return (await this.#connection.run(CHANGE, [JSON.stringify(change), ...value])) === 'done';
  }
}

/** An id has no field but its record. */
function fieldsTo(isHeld: boolean, keys: readonly DigestedKey[]): Record<string, boolean> {
  const others = keys.filter(({ field }) => field !== 'id');
  return Object.fromEntries(others.map((key) => [fieldOf(key), isHeld]));
}

function warnOfEviction(policy = ''): void {
  if (policy === '' || policy === 'noeviction') return;
  process.emitWarning(
    `The Redis server's maxmemory-policy is ${policy}: when its memory is full it may throw tokens away. Set it to noeviction.`,
    { type: 'TokenStoreWarning', code: 'TOKENKEEP_EVICTION' },
  );
}
