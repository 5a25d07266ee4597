import { RECORD_FIELDS, type StoredRecord } from './oauth-token.ts';

/** Characters: enough for some thousand usual records. */
const ROOM = 8_000_000;

/** Ids. */
const MOST_GIVEN_UP = 10_000;

interface Entry<Row> {
  readonly id: string;
  row: Row;
  keys: readonly string[];
  size: number;
}

/**
 * What a store wrote last, or saw, so that it can decide the next save of the same record without
 * reading it first. Only a hint: the write has to be refused by the storage if the row is no longer
 * so, or is no longer all that the keys lead to.
 */
export class LastWritten<Row> {
  readonly #byId = new Map<string, Entry<Row>>();
  readonly #byKey = new Map<string, Entry<Row>>();
  readonly #givenUp = new Set<string>();
  #room = ROOM;

  /**
   * Takes out the row that some of the keys lead to, if it is only one. It is kept again when it was
   * written.
   *
   * @param keys digests, see `keyDigest`, or what else stands for a key
   */
  take(keys: readonly string[]): Row | undefined {
    const found = this.#only(keys);
    if (found !== undefined) this.#remove(found);
    return found?.row;
  }

  /** The row that some of the keys lead to, if it is only one. */
  peek(keys: readonly string[]): Row | undefined {
    return this.#only(keys)?.row;
  }

  /**
   * Keeps what was written of a record.
   *
   * @param keys what stands for those of the record's keys that no other record has, as far as is known
   * @param row what the storage needs to know of the record
   */
  keep(record: StoredRecord, keys: readonly string[], row: Row): void {
    if (this.#givenUp.has(record.id)) {
      this.forget(record.id);
      return;
    }
    const size = sizeOf(record);
    let entry = this.#byId.get(record.id);
    if (entry === undefined) {
      entry = { id: record.id, row, keys, size };
      this.#byId.set(record.id, entry);
    } else {
      // Where it is, as old as it was: to take it out and put it in again is slow.
      this.#leaveKeys(entry, keys);
      this.#room += entry.size;
      Object.assign(entry, { row, keys, size });
    }
    for (const key of keys) this.#byKey.set(key, entry);
    this.#room -= size;
    for (const oldest of this.#byId.values()) {
      if (this.#room >= 0) break;
      this.#remove(oldest);
    }
  }

  /** To be called when a write was refused: others save this record, too, so that it is read in future. */
  giveUp(id: string): void {
    if (this.#givenUp.size === MOST_GIVEN_UP) this.#givenUp.clear();
    this.#givenUp.add(id);
  }

  /** To be called when the record is deleted: its secrets are not kept longer. */
  forget(id: string): void {
    const entry = this.#byId.get(id);
    if (entry !== undefined) this.#remove(entry);
  }

  /** To be called when all records are deleted. */
  clear(): void {
    this.#byId.clear();
    this.#byKey.clear();
    this.#room = ROOM;
  }

  #only(keys: readonly string[]): Entry<Row> | undefined {
    let found: Entry<Row> | undefined;
    for (const key of keys) {
      const entry = this.#byKey.get(key);
      if (entry === undefined) continue;
      if (found !== undefined && found !== entry) return undefined;
      found = entry;
    }
    return found;
  }

  #remove(entry: Entry<Row>): void {
    this.#byId.delete(entry.id);
    this.#leaveKeys(entry, []);
    this.#room += entry.size;
  }

  #leaveKeys(entry: Entry<Row>, but: readonly string[]): void {
    for (const key of entry.keys) {
      if (!but.includes(key) && this.#byKey.get(key) === entry) this.#byKey.delete(key);
    }
  }
}

/** Characters, roughly: the keys and the maps count for a thousand. */
function sizeOf(record: StoredRecord): number {
  let size = 1_000;
  for (const field of RECORD_FIELDS) {
    const value = record[field];
    if (typeof value === 'string') size += value.length;
    else if (typeof value === 'object' && value !== null) size += JSON.stringify(value).length;
  }
  return size;
}
