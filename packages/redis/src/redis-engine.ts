import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
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
import { CHANGE, CLEAR, LOOK, OPEN } from './scripts.ts';

/** What the script `CHANGE` does, and what it was decided on. Records are named by the digest of their id. */
interface Change {
  /** Records, and how what stands for them must begin. */
  readonly unchanged: Readonly<Record<string, string>>;
  /** Fields of keys: no record but those has one of them. */
  readonly read: readonly string[];
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
  readonly #order: string;
  readonly #timeout: number;

  constructor(options: CheckedOptions) {
    this.#connection = new Connection(options);
    [this.#hash, this.#order] = options.keys;
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
      // Without a script, which is faster. It gives the same where all keys lead to this record only.
      const args = [this.#hash, ...fields, `record:${guess.digest}`];
      const values = await this.#connection.read('hmget', args);
      const isSole = keys.every(
        ({ field }, index) => field === 'id' || values[index + 1] === guess.digest,
      );
      if (isSole && values.at(-1) !== '') {
        return snapshotIn(values.toSpliced(-1, 0, guess.digest), keys, guess);
      }
    }
    return snapshotIn(await this.#connection.read(LOOK, fields), keys);
  }

  async commit(commit: Commit<RedisEntry>): Promise<RedisEntry | typeof STALE> {
    const { record, replaces, absorbs, others, keys, askedKeys, addedKeys } = commit;
    const read = [...(replaces === null ? [] : [replaces]), ...absorbs, ...others];
    const isOfAbsorbed = ({ field, value }: DigestedKey) =>
      absorbs.some((entry) => entry.record[field] === value);
    const changed = keys.filter((key) => addedKeys.includes(key) || isOfAbsorbed(key));
    const written: RedisEntry = { ...entryAfter(commit), digest: keys[0]?.digest ?? '' };
    const change: Change = {
      unchanged: Object.fromEntries(read.map((entry) => [entry.digest, entry.writeIds[0] ?? ''])),
      read: [...new Set([...askedKeys, ...addedKeys].map(fieldOf))],
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
      read: [`record:${digest}`],
      digest,
      removed: [digest],
      keys: fieldsTo(false, record === null ? [] : digestedKeysOf(record)),
    });
    if (!isDone) return STALE;
  }

  async *pages(): AsyncGenerator<StoredRecord[], void, undefined> {
    for (let start = '-inf'; ; ) {
      const range = [this.#order, start, '+inf', 'BYSCORE', 'LIMIT', '0', '200', 'WITHSCORES'];
      const found = await this.#connection.read('zrange', range);
      if (found.length === 0) return;
      start = `(${found.at(-1)}`;
      // Each for itself: some may be large, and the event loop waits for a reply that is parsed.
      const reads = found
        .filter((_, index) => index % 2 === 0)
        .map(async (digest): Promise<StoredRecord[]> => {
          const [value = ''] = await this.#connection.read('hmget', [
            this.#hash,
            `record:${digest}`,
          ]);
          return value === '' ? [] : [recordIn(digest, value)];
        });
      yield (await Promise.all(reads)).flat();
    }
  }

  /** One step, which does nothing where it comes so late that the caller was told that it failed. */
  async clear(): Promise<void> {
    const [now] = await this.#connection.read(CLEAR, []);
    await this.#connection.run(CLEAR, [`${Number(now) + this.#timeout}`]);
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
