import { randomBytes } from 'node:crypto';
import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import {
  type Decide,
  type RecordChange,
  StorageTokenStore,
  type TokenKey,
  type TokenStorage,
} from '@tokenkeep/core/adapter';
import { keyDigest, LastWritten, OptimisticSaver } from '@tokenkeep/core/adapter/server';
import { Connection } from './connection.ts';
import type { RedisTokenStoreOptions } from './options.ts';
import {
  digestOf,
  type Fields,
  fieldOf,
  isRecordField,
  jsonOf,
  type KeyFields,
  keyFieldsOf,
  keyValuesOf,
  ledTo,
  recordField,
  recordFrom,
  recordsIn,
  type SeenRecord,
  seenRecord,
  sequenceOf,
  valueAfter,
} from './record-field.ts';
import { TokenHash } from './token-hash.ts';

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

/** A save that is going on. */
interface Save {
  readonly keys: readonly TokenKey[];
  /** The fields of the keys. */
  readonly asked: readonly string[];
  readonly decide: Decide;
}

class RedisStorage implements TokenStorage {
  readonly #connection: Connection;
  readonly #hash: TokenHash;
  readonly #saver = new OptimisticSaver();
  /** Spares most saves a look, and finds a script. Nothing is answered from it that was not just read. */
  readonly #lastSeen = new LastWritten<SeenRecord>();
  readonly #writers = new WriterNames();

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

  find(keys: readonly TokenKey[]): Promise<readonly StoredRecord[]> {
    const last = this.#lastSeen.peek(keys.map(({ value }) => value));
    const asked = keys.map((key) => fieldOf(key, last));
    return last === undefined ? this.#find(asked) : this.#findAgain(last, keys, asked);
  }

  save(keys: readonly TokenKey[], decide: Decide): Promise<void> {
    let save: Save | undefined;
    let seen: Fields | undefined;
    return this.#saver.repeat(keys, async () => {
      if (save === undefined) {
        const last = this.#lastSeen.peek(keys.map(({ value }) => value));
        const asked = keys.map((key) => fieldOf(key, last));
        save = { keys, asked, decide };
        const reply = await this.#saveUnseen(last, save);
        if (reply === 'saved') return true;
        seen = reply;
      }
      seen ??= await this.#look(save.asked);
      const records = recordsIn(seen);
      for (const each of records) this.#keep(each);
      const change = decide(records.map(({ record }) => record));
      if (change === null) return true;
      const reply = await this.#write(change, records, seen, save);
      if (reply === 'saved') return true;
      seen = reply;
      return false;
    });
  }

  async delete(id: string): Promise<void> {
    const key: TokenKey = { field: 'id', value: id };
    const field = fieldOf(key);
    await this.#saver.repeat([key], async () => {
      const seen = await this.#look([field]);
      const value = seen.get(field) ?? '';
      if (value === '') return true;
      const reply = await this.#hash.write({
        writer: this.#writers.next(),
        asked: [field],
        seen,
        removed: [field],
        left: keyFieldsIn(field, value).map((left) => [left, keyDigest(key)]),
        joined: [],
      });
      return typeof reply === 'string';
    });
    this.#lastSeen.forget(id);
  }

  async all(): Promise<StoredRecord[]> {
    const records = [...(await this.#hash.all())];
    records.sort(([, a], [, b]) => sequenceOf(a) - sequenceOf(b));
    return records.map(([field, value]) => recordFrom(field, value));
  }

  async clear(): Promise<void> {
    await this.#hash.clear();
    this.#lastSeen.clear();
  }

  close(): void {
    this.#connection.close();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return this.#connection.translateError(error);
  }

  async #look(asked: readonly string[]): Promise<Fields> {
    if (asked.length === 0) return new Map();
    return ledTo(asked, await this.#hash.look(asked));
  }

  async #find(asked: readonly string[]): Promise<StoredRecord[]> {
    const seen = recordsIn(await this.#look(asked));
    for (const each of seen) this.#keep(each);
    return seen.map(({ record }) => record);
  }

  /**
   * Reads plainly, without a script, where it is known which record to read: that is faster. What is
   * there is ours, as nobody else has such fields. Where the keys lead elsewhere now, it looks.
   */
  async #findAgain(
    last: SeenRecord,
    keys: readonly TokenKey[],
    asked: readonly string[],
  ): Promise<StoredRecord[]> {
    const values = await this.#hash.read([...asked, last.field]);
    const value = values[asked.length] ?? '';
    if (value === '') this.#lastSeen.forget(last.record.id);
    if (value === '' || !isAllThatIsFound(last, keys, asked, values)) return this.#find(asked);
    if (value === last.value) return [last.record];
    const seen = seenRecord(last.field, value);
    this.#keep(seen);
    return [seen.record];
  }

  /**
   * Saves over what was seen last, or adds a record where nothing was, if that is still all that the
   * keys lead to: spares a look.
   *
   * @returns what there is to see instead; `undefined` if it was not tried
   */
  async #saveUnseen(
    last: SeenRecord | undefined,
    save: Save,
  ): Promise<Fields | 'saved' | undefined> {
    let change: RecordChange | null;
    try {
      change = save.decide(last === undefined ? [] : [last.record]);
    } catch {
      // Only what is read is a reason to refuse a save.
      return undefined;
    }
    if (change === null) return undefined;
    if (last === undefined) {
      return this.#write(change, [], new Map(save.asked.map((field) => [field, ''])), save);
    }
    // An id comes first, and may be that of another.
    const isOther = (field: string) => isRecordField(field) && field !== last.field;
    if (change.replaces === null || save.asked.some(isOther)) return undefined;
    return this.#replace(last, change.record, save);
  }

  /** @returns as `#saveUnseen` */
  async #replace(
    last: SeenRecord,
    record: StoredRecord,
    save: Save,
  ): Promise<Fields | 'saved' | undefined> {
    const { digest, field } = last;
    const keyFields = keyFieldsAfter(record, last, save);
    const had = Object.values(last.keyFields);
    const has = Object.values(keyFields);
    const value = valueAfter(last.value, this.#writers.next(), jsonOf(record));
    const reply = await this.#hash.replace({
      digest,
      field,
      seen: last.value,
      value,
      lost: had.filter((key) => !has.includes(key)),
      kept: save.asked.filter((key) => had.includes(key)),
      got: has.filter((key) => !had.includes(key)),
    });
    if (reply === 'now') {
      this.#keep({ record, digest, field, value, keyFields });
      return 'saved';
    }
    if (reply === 'before') {
      // It may have been written over since.
      this.#lastSeen.forget(record.id);
      return 'saved';
    }
    // Deleted by another process.
    if (reply.get(field) === '') this.#lastSeen.forget(record.id);
    // A key that is asked for and stays another record's is not in the reply.
    return save.asked.every((key) => reply.has(key)) ? ledTo(save.asked, reply) : undefined;
  }

  /** @returns what there is to see now, if something is no longer as it was seen */
  async #write(
    { record, replaces, absorbs }: RecordChange,
    records: readonly SeenRecord[],
    seen: Fields,
    save: Save,
  ): Promise<Fields | 'saved'> {
    const before = records.find((each) => each.record === replaces);
    const digest = before?.digest ?? digestOf(record);
    const json = jsonOf(record);
    const keyFields = keyFieldsAfter(record, before, save);
    const has = Object.values(keyFields);
    const had = Object.values(before?.keyFields ?? {});
    const gone = records.filter((each) => absorbs.includes(each.record));
    const reply = await this.#hash.write({
      writer: this.#writers.next(),
      record: { digest, json },
      asked: save.asked,
      seen,
      removed: gone.map((each) => each.field),
      left: [
        ...had.filter((field) => !has.includes(field)).map((field) => [field, digest] as const),
        ...gone.flatMap((each) =>
          Object.values(each.keyFields).map((field) => [field, each.digest] as const),
        ),
      ],
      joined: has.filter((field) => !had.includes(field)),
    });
    if (typeof reply !== 'string') return reply;
    for (const each of gone) this.#lastSeen.forget(each.record.id);
    // What had been written before this answer may have been written over since.
    if (reply === '') this.#lastSeen.forget(record.id);
    else this.#keep({ record, digest, field: recordField(digest), value: reply + json, keyFields });
    return 'saved';
  }

  #keep(seen: SeenRecord): void {
    // So that it is checked only once; see `OAuthToken.fromRecord`.
    Object.freeze(seen.record);
    // By the values alone: one that is the value of another key as well is told apart by the server.
    this.#lastSeen.keep(seen.record, keyValuesOf(seen.record), seen);
  }
}

/** Whether keys lead to a record and to no other, by what their fields hold. */
function isAllThatIsFound(
  { field, digest }: SeenRecord,
  keys: readonly TokenKey[],
  asked: readonly string[],
  values: readonly string[],
): boolean {
  let isFound = false;
  for (const [index, key] of keys.entries()) {
    const value = values[index];
    if (value === '') continue;
    if (key.field === 'id' ? asked[index] !== field : value !== digest) return false;
    isFound = true;
  }
  return isFound;
}

/** The key fields of a record after a save: those that are known from the save, or from before it, need not be made again. */
function keyFieldsAfter(
  record: StoredRecord,
  before: SeenRecord | undefined,
  { keys, asked }: Save,
): KeyFields {
  return keyFieldsOf(record, (key) => {
    const place = keys.findIndex(({ field, value }) => field === key.field && value === key.value);
    return asked[place] ?? fieldOf(key, before);
  });
}

/** The fields by which a record can be found, as far as it can be read: a damaged one can be deleted. */
function keyFieldsIn(field: string, value: string): string[] {
  try {
    return Object.values(keyFieldsOf(recordFrom(field, value)));
  } catch {
    return [];
  }
}

/** No two names are the same, of whatever process: 96 random bits, and a number; 21 characters. */
class WriterNames {
  #random = '';
  #count = 0;

  next(): string {
    if (this.#count === 0) this.#random = randomBytes(12).toString('base64url');
    const number = this.#count.toString(36).padStart(5, '0');
    this.#count = (this.#count + 1) % 36 ** 5;
    return this.#random + number;
  }
}

function warnOfEviction(policy: string): void {
  if (policy === '' || policy === 'noeviction') return;
  process.emitWarning(
    `The Redis server's maxmemory-policy is ${policy}: when its memory is full it may throw tokens away. Set it to noeviction.`,
    { type: 'TokenStoreWarning', code: 'TOKENKEEP_EVICTION' },
  );
}
