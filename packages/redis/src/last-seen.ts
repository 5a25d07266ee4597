import { type Fields, holdersIn } from './record-field.ts';
import type { Change } from './token-hash.ts';

/** Characters: twice as many are kept, enough for some thousand usual records. */
const ROOM = 8_000_000;

/**
 * What this process last saw of the hash.
 *
 * It spares most saves a round trip: a save is decided on this, and the server refuses it if it is
 * no longer so. Nothing is ever answered from it.
 */
export class LastSeen {
  /** What was seen or asked for lately, and what was before that. */
  #young = new Map<string, string>();
  #old = new Map<string, string>();
  #room = ROOM;

  /** What `asked` would lead to, if all is as it was seen; a field that never was is taken for absent. */
  guess(asked: readonly string[]): Fields | undefined {
    const guess = new Map<string, string>();
    for (const field of asked) guess.set(field, this.#get(field) ?? '');
    for (const field of asked) {
      if (!field.startsWith('key:')) continue;
      for (const digest of holdersIn(guess.get(field) ?? '')) {
        const record = this.#get(`record:${digest}`);
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
      for (const field of seen.keys()) this.#forget(field);
      return;
    }
    const now = new Map(seen);
    // Of a key that was not looked up nothing is known.
    for (const field of [...left.map(([key]) => key), ...joined]) {
      if (!now.has(field)) this.#forget(field);
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

  #get(field: string): string | undefined {
    const young = this.#young.get(field);
    if (young !== undefined) return young;
    const old = this.#old.get(field);
    if (old !== undefined) this.#keep(field, old);
    return old;
  }

  #keep(field: string, value: string): void {
    const before = this.#young.get(field);
    if (before === value) return;
    if (before !== undefined || this.#old.has(field)) this.#forget(field);
    // What is not known is taken for absent anyway.
    if (value === '') return;
    this.#room -= field.length + value.length;
    if (this.#room < 0) {
      this.#old = this.#young;
      this.#young = new Map();
      this.#room = ROOM - field.length - value.length;
    }
    this.#young.set(field, value);
  }

  #forget(field: string): void {
    const before = this.#young.get(field);
    if (before !== undefined) this.#room += field.length + before.length;
    this.#young.delete(field);
    this.#old.delete(field);
  }
}
