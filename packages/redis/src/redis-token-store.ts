import { randomBytes } from 'node:crypto';
import {
  type Decide,
  keyDigest,
  OptimisticSaver,
  type RecordChange,
  StorageTokenStore,
  type StoredRecord,
  type TokenKey,
  type TokenStorage,
  type TokenStoreError,
} from '@tokenkeep/core';
import { Connection } from './connection.ts';
import { translateError } from './errors.ts';
import { LastSeen } from './last-seen.ts';
import type { RedisTokenStoreOptions } from './options.ts';
import {
  digestOf,
  type Fields,
  fieldOf,
  isRecordField,
  jsonOf,
  keyFieldsOf,
  ledTo,
  recordFrom,
  recordsIn,
  sequenceOf,
} from './record-field.ts';
import { type Change, TokenHash } from './token-hash.ts';

/**
 * A token store in one hash of a Redis (or Valkey) server, of a Sentinel set, or of a Cluster.
 *
 * A find is one round trip. A save is one if this process was the last to touch the record, else two:
 * it is decided here and written by a script that refuses it if anything that it was decided on has
 * changed.
 *
 * @example
 * const store = new RedisTokenStore({ url: 'rediss://:password@redis.example:6379', prefix: 'app:' });
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class RedisTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: RedisTokenStoreOptions = {}) {
    super(new RedisStorage(options));
  }
}

class RedisStorage implements TokenStorage {
  readonly #connection: Connection;
  readonly #hash: TokenHash;
  readonly #saver = new OptimisticSaver();
  readonly #lastSeen = new LastSeen();

  constructor(options: RedisTokenStoreOptions) {
    this.#connection = new Connection(options);
    this.#hash = new TokenHash(
      (command, args) => this.#connection.call(command, args),
      this.#connection.key,
    );
  }

  async open(): Promise<void> {
    await this.#connection.open();
    try {
      warnOfEviction(await this.#hash.check());
    } catch (error) {
      this.close();
      throw error;
    }
  }

  async find(keys: readonly TokenKey[]): Promise<StoredRecord[]> {
    const asked = keys.map(fieldOf);
    return recordsIn((await this.#readKnown(asked)) ?? (await this.#look(asked)));
  }

  save(keys: readonly TokenKey[], decide: Decide): Promise<void> {
    const writer = newWriter();
    const asked = keys.map(fieldOf);
    let seen: Fields | undefined;
    return this.#saver.repeat(keys, async () => {
      // What was seen last is mostly still so. If not, the refusal tells what there is instead.
      const guess = seen === undefined ? this.#lastSeen.guess(asked) : undefined;
      const guessed = guess && decisionOn(guess, decide);
      if (guess !== undefined && guessed != null) {
        seen = await this.#write(guessed, asked, guess, writer);
        if (seen === undefined) return true;
      }
      seen ??= await this.#look(asked);
      const change = decide(recordsIn(seen));
      if (change === null) return true;
      seen = await this.#write(change, asked, seen, writer);
      return seen === undefined;
    });
  }

  async delete(id: string): Promise<void> {
    const key: TokenKey = { field: 'id', value: id };
    const field = fieldOf(key);
    const writer = newWriter();
    await this.#saver.repeat([key], async () => {
      const seen = await this.#look([field]);
      const value = seen.get(field) ?? '';
      if (value === '') return true;
      const reply = await this.#hash.write({
        writer,
        asked: [field],
        seen,
        removed: [field],
        left: keyFieldsIn(field, value).map((left) => [left, keyDigest(key)]),
        joined: [],
      });
      return typeof reply === 'string';
    });
  }

  async all(): Promise<StoredRecord[]> {
    const records = [...(await this.#hash.all())];
    records.sort(([, a], [, b]) => sequenceOf(a) - sequenceOf(b));
    return records.map(([field, value]) => recordFrom(field, value));
  }

  clear(): Promise<void> {
    return this.#hash.clear();
  }

  close(): void {
    this.#connection.close();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateError(error);
  }

  /** Reads plainly, without a script, where it is known which records to read: that is faster. */
  async #readKnown(asked: readonly string[]): Promise<Fields | undefined> {
    const guess = this.#lastSeen.guess(asked);
    if (guess === undefined || !Array.from(guess.keys()).some(isRecordField)) return undefined;
    const read = await this.#hash.read([...guess.keys()]);
    const fields = read && ledTo(asked, read);
    if (fields !== undefined) this.#lastSeen.keep(fields);
    return fields;
  }

  async #look(asked: readonly string[]): Promise<Fields> {
    const seen = ledTo(asked, await this.#hash.look(asked));
    if (seen === undefined) throw new Error('the reply lacks a record');
    this.#lastSeen.keep(seen);
    return seen;
  }

  /** @returns `undefined` if it was written; else what there is to see now */
  async #write(
    change: RecordChange,
    asked: readonly string[],
    seen: Fields,
    writer: string,
  ): Promise<Fields | undefined> {
    const { record, replaces, absorbs } = change;
    const digest = digestOf(record);
    const left = (replaces === null ? [] : keyFieldsOf(replaces, record)).map(
      (field) => [field, digest] as const,
    );
    for (const absorbed of absorbs) {
      for (const field of keyFieldsOf(absorbed)) left.push([field, digestOf(absorbed)]);
    }
    const write: Change = {
      writer,
      record: { digest, json: jsonOf(record) },
      asked,
      seen,
      removed: absorbs.map((absorbed) => `record:${digestOf(absorbed)}`),
      left,
      joined: keyFieldsOf(record, replaces),
    };
    const reply = await this.#hash.write(write);
    if (typeof reply === 'string') {
      this.#lastSeen.keepWritten(write, reply);
      return undefined;
    }
    this.#lastSeen.keep(reply);
    return reply;
  }
}

/** What to write, if all is as it is guessed to be; what can not be decided on a guess is not. */
function decisionOn(guess: Fields, decide: Decide): RecordChange | null {
  try {
    return decide(recordsIn(guess));
  } catch {
    return null;
  }
}

/** The fields by which a record can be found, as far as it can be read: a damaged one can be deleted. */
function keyFieldsIn(field: string, value: string): string[] {
  try {
    return keyFieldsOf(recordFrom(field, value));
  } catch {
    return [];
  }
}

/** No two saves have the same: 96 random bits, 16 characters. */
function newWriter(): string {
  return randomBytes(12).toString('base64url');
}

function warnOfEviction(policy: string): void {
  if (policy === '' || policy === 'noeviction') return;
  process.emitWarning(
    `The Redis server's maxmemory-policy is ${policy}: when its memory is full it may throw tokens away. Set it to noeviction.`,
    { type: 'TokenStoreWarning', code: 'TOKENKEEP_EVICTION' },
  );
}
