import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { refuseOtherVersion } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type DigestedKey,
  digestedKeysOf,
  type Engine,
  type Snapshot,
  STALE,
} from '@tokenkeep/core/adapter/server';
import { argumentsOf, changeOf } from './change.ts';
import { Connection } from './connection.ts';
import { migrate } from './migration.ts';
import type { CheckedOptions } from './options.ts';
import { entryOf, fieldOf, type RedisEntry, recordIn } from './redis-entry.ts';
import { CHANGE, CHECK, CLEAR, LOOK, PAGE, type Script } from './scripts.ts';

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
      const [format, policy] = await this.#read(CHECK, []);
      if (format === '1' || format === '1to2') await migrate(this.#connection, this.#hash);
      // Refuses what is not ours.
      else await this.#read(LOOK, ['format']);
      warnOfEviction(policy);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async read(keys: readonly DigestedKey[], guess?: RedisEntry): Promise<Snapshot<RedisEntry>> {
    const known = guess && (await this.#readAgain(keys, guess));
    if (known !== undefined) return { entries: [known] };
    const [deletedVersion, ...values] = await this.#read(LOOK, [
      'deletedVersion',
      ...keys.map(fieldOf),
    ]);
    const found = new Map<string, string>();
    for (let at = keys.length; at < values.length; at += 2) {
      found.set(values[at] ?? '', values[at + 1] ?? '');
    }
    const holders = new Map(keys.map(({ digest }, index) => [digest, values[index]]));
    const entries = [...found].map(([digest, value]) =>
      entryOf(digest, value, keys, (key) => holders.get(key.digest) === digest),
    );
    return { entries, deletedVersion: Number(deletedVersion) };
  }

  async commit(commit: Commit<RedisEntry>): Promise<RedisEntry | typeof STALE> {
    // Nothing was read before: whether the connection is sound is found out by a read, not by the write.
    if (commit.replaces === null && commit.keys.length === 1) await this.read(commit.keys);
    const change = changeOf(commit);
    const reply = await this.#connection.run(CHANGE, argumentsOf(change));
    return reply === 'stale' ? STALE : change.written;
  }

  async delete(key: DigestedKey, ifVersion: number | undefined): Promise<undefined | typeof STALE> {
    const { digest } = key;
    const [value = '', highest] = await this.#read(LOOK, [fieldOf(key), 'highestVersion']);
    const record = value === '' ? null : recordUnlessDamaged(digest, value);
    if (record !== undefined) refuseOtherVersion(record, { ifVersion });
    else if (ifVersion !== undefined) recordIn(digest, value);
    if (record === null) return;
    const keys = record === undefined ? [] : digestedKeysOf(record).slice(1);
    const args = argumentsOf({
      unchanged: [[fieldOf(key), value]],
      left: keys.map((left) => [fieldOf(left), digest]),
      removed: [digest],
      deletedVersion: record?.version ?? Number(highest),
    });
    if ((await this.#connection.run(CHANGE, args)) === 'stale') return STALE;
  }

  async *pages(): AsyncGenerator<StoredRecord[], void, undefined> {
    for (let start = '-inf'; ; ) {
      const [last, ...values] = await this.#read(PAGE, [start]);
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
    const now = await this.#connection.retryOnce(() => this.#connection.run(CLEAR, []));
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

  /**
   * Reads a record without a script, which is faster, where it is known which one the keys led to.
   *
   * @returns `undefined` where they may lead elsewhere now
   */
  async #readAgain(
    keys: readonly DigestedKey[],
    guess: RedisEntry,
  ): Promise<RedisEntry | undefined> {
    const args = [this.#hash, `record:${guess.digest}`, ...keys.map(fieldOf)];
    const [value = '', ...values] = await this.#connection.retryOnce(async () =>
      textsIn(await this.#connection.call('hmget', args)),
    );
    // To the record, to none, or elsewhere.
    const leads = keys.map(({ field }, index) => {
      const found = values[index];
      return found === '' ? undefined : found === (field === 'id' ? value : guess.digest);
    });
    if (value === '' || !leads.includes(true) || leads.includes(false)) return undefined;
    if (value.startsWith(guess.writeIds[0] ?? ' ')) return guess;
    return entryOf(guess.digest, value, keys, (key) =>
      keys.some(({ digest }) => digest === key.digest),
    );
  }

  async #read(script: Script, args: readonly string[]): Promise<string[]> {
    return this.#connection.retryOnce(async () =>
      textsIn(await this.#connection.run(script, args)),
    );
  }
}

function recordUnlessDamaged(digest: string, value: string): StoredRecord | undefined {
  try {
    return recordIn(digest, value);
  } catch {
    return undefined;
  }
}

function textsIn(reply: unknown): string[] {
  if (!Array.isArray(reply)) throw new Error('the reply is no list');
  return reply.map((value) => (typeof value === 'string' ? value : ''));
}

function warnOfEviction(policy = ''): void {
  if (policy === '' || policy === 'noeviction') return;
  process.emitWarning(
    `The Redis server's maxmemory-policy is ${policy}: when its memory is full it may throw tokens away. Set it to noeviction.`,
    { type: 'TokenStoreWarning', code: 'TOKENKEEP_EVICTION' },
  );
}
