import { type Fields, holdersIn } from './record-field.ts';
import type { Change } from './token-hash.ts';

/** Characters: the least that is enough for some thousand usual records. */
const ROOM = 8_000_000;

/**
 * What this process last saw of the hash.
 *
 * It spares most saves a round trip: a save is decided on this, and the server refuses it if it is
 * no longer so. Nothing is ever answered from it.
 */
export class LastSeen {
  readonly #fields = new Map<string, string>();
  #room = ROOM;

  /** What `asked` would lead to, if all is as it was seen; a field that never was is taken for absent. */
  guess(asked: readonly string[]): Fields | undefined {
    const guess = new Map<string, string>();
    for (const field of asked) guess.set(field, this.#fields.get(field) ?? '');
    for (const field of asked) {
      if (!field.startsWith('key:')) continue;
      for (const digest of holdersIn(guess.get(field) ?? '')) {
        const record = this.#fields.get(`record:${digest}`);
        if (record === undefined) return undefined;
        guess.set(`record:${digest}`, record);
      }
    }
    return guess;
  }

  keep(fields: Fields): void {
    for (const [field, value] of fields) this.#keep(field, value);
  }

  /** @param head what the server gave for the change */
  keepWritten(change: Change, head: string): void {
    const { record, seen, removed, left, joined } = change;
    if (record === undefined || head === '') {
      // It was written before this answer, and may have been written over since.
      for (const field of seen.keys()) this.#fields.delete(field);
      return;
    }
    const now = new Map(seen);
    // Of a key that was not looked up nothing is known.
    for (const field of [...left.map(([key]) => key), ...joined]) {
      if (!now.has(field)) this.#fields.delete(field);
    }
    for (const field of removed) now.set(field, '');
    for (const [field, digest] of left) {
      const holders = now.get(field);
      if (holders !== undefined) now.set(field, holders.replace(digest, ''));
    }
    for (const field of joined) {
      const holders = now.get(field);
      if (holders !== undefined) now.set(field, holders + record.digest);
    }
    now.set(`record:${record.digest}`, head + record.json);
    this.keep(now);
  }

  #keep(field: string, value: string): void {
    this.#room -= field.length + value.length;
    if (this.#room < 0) {
      this.#fields.clear();
      this.#room = ROOM;
    }
    this.#fields.set(field, value);
  }
}
