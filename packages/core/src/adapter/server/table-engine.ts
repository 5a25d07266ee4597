import type { TokenStoreError } from '../../errors.ts';
import { refuseOtherVersion } from '../../rules/save-plan.ts';
import type { StoredRecord } from '../../token/token-fields.ts';
import { STALE } from '../stale.ts';
import type { Connections, Row, Send } from './connections.ts';
import { type DigestedKey, digestKey } from './digested-key.ts';
import {
  type Commit,
  concernsOneRecord,
  type Engine,
  keysToBeFree,
  type Snapshot,
} from './engine.ts';
import { hasOneOf, KEYS, type SlottedEntry, slottedEntryAfter } from './key-slots.ts';
import { clearInBatches, type PositionedRows, pagesOf } from './positioned-rows.ts';

/** By this a row is found only if it is as it was read. */
const IS_UNCHANGED = 'id_digest = ? AND write_ids = ? AND joins = ?';

/** A table with `position`, `version`, `id_digest`, `write_ids`, `joins` and a digest of each of `KEYS`. */
export interface SlottedTable {
  readonly connections: Connections;
  /** Its name as statements have it. */
  readonly name: string;
  /** How long to wait for rows that others have locked: milliseconds. */
  readonly timeout: number;
  /** Rows that are locked, or removed, at once: so few that another's save does not wait long for them. */
  readonly batch: number;
  /** The table of one row that stands beside it, and has the `deleted_version`. */
  readonly state: string;
  /** The columns of a record. */
  readonly record: string;
  /** The columns that a save writes, and what stands for the value of each: a `?`. */
  readonly written: readonly (readonly [column: string, place: string])[];
  /** The columns of the slots and of the joins: one for each of `KEYS`. */
  readonly slots: readonly string[];
  readonly joins: readonly string[];
  /** What the statement ends with that keeps the row of `state` as it is until the commit. */
  readonly lockShared: string;
}

/** The statement for a commit, but for its keys. */
interface Writing {
  readonly begin: string;
  readonly condition: string;
  /** The values of the condition. */
  readonly guard: readonly unknown[];
  readonly end: string;
}

/**
 * Records in a table of a server that speaks SQL. What stands here all such servers understand; what
 * each says in its own way, a subclass adds.
 *
 * The usual commit is one statement, which finds out itself whether it is stale. What concerns more
 * than one record, or removes some, is a transaction; these take turns, as the first thing that each
 * of them changes is the one row of the state table.
 */
export abstract class TableEngine implements Engine<SlottedEntry> {
  protected readonly connections: Connections;
  protected readonly table: SlottedTable;
  readonly #rows: PositionedRows;
  readonly #select: string;
  readonly #update: string;
  readonly #insert: string;

  constructor(table: SlottedTable) {
    const { connections, name, written } = table;
    this.connections = connections;
    this.table = table;
    this.#rows = { connections, table: name };
    // A row that others share a key with leaves its slot 0 to one of them when it goes.
    const left = KEYS.map(
      ([prefix], place) =>
        `CASE WHEN ${table.joins[place]} > 0 AND ${table.slots[place]} = 0 THEN ${prefix}_digest END AS ${prefix}_left`,
    );
    this.#select = `SELECT position, version, ${left.join(', ')} FROM ${name}`;
    const columns = written.map(([column]) => column);
    this.#update = `UPDATE ${name} SET ${columns.map((column) => `${column} = ?`)}`;
    this.#insert = `INSERT INTO ${name} (${columns}) SELECT ${written.map(([, place]) => place)}`;
  }

  abstract open(): Promise<void>;
  abstract read(keys: readonly DigestedKey[]): Promise<Snapshot<SlottedEntry>>;
  abstract translateError(error: unknown): TokenStoreError | undefined;

  /** Makes a record of a row that has the columns of one. */
  protected abstract recordOf(row: Row): StoredRecord;
  /** A digest as the driver takes it. */
  protected abstract digestValue(digest: string): unknown;
  /** The joins of an entry as the driver takes them. */
  protected abstract joinsValue(joins: SlottedEntry['joins']): unknown;
  /** The condition that none of some selects gives a row, in a statement that writes to their table. */
  protected abstract noneOf(selects: readonly string[]): string;
  /** What is written for an entry, in the order of `written`. */
  protected abstract valuesOf(entry: SlottedEntry, keys: readonly DigestedKey[]): unknown[];
  /**
   * Of the records that have a key gives one slot 0, and adds to its joins, if none has it.
   *
   * @param place of the key in `KEYS`
   * @param digests as the driver gave them
   */
  protected abstract promote(
    send: Send,
    place: number,
    digests: readonly unknown[],
  ): Promise<unknown>;

  async find(keys: readonly DigestedKey[]): Promise<StoredRecord[]> {
    const sql = `SELECT ${this.table.record} FROM ${this.table.name} WHERE ${hasOneOf(keys)}`;
    const rows = await this.connections.rows(sql, this.digestsOf(keys));
    return rows.map((row) => this.recordOf(row));
  }

  async commit(commit: Commit<SlottedEntry>): Promise<SlottedEntry | typeof STALE> {
    const entry = slottedEntryAfter(commit);
    const isWritten = concernsOneRecord(commit)
      ? await this.connections.write((send) => this.#write(send, commit, entry))
      : await this.connections.transaction((send) => this.#writeAll(send, commit, entry));
    return isWritten ? entry : STALE;
  }

  async delete(key: DigestedKey, ifVersion: number | undefined): Promise<typeof STALE | undefined> {
    const where = `${hasOneOf([key])} FOR UPDATE`;
    const removed = await this.#remove(where, this.digestsOf([key]), ([row]) => {
      const current = row === undefined ? null : { version: Number(row['version']) };
      refuseOtherVersion(current, { ifVersion });
    });
    return removed === undefined ? STALE : undefined;
  }

  async *pages(): AsyncGenerator<StoredRecord[], void, undefined> {
    const pages = pagesOf(this.#rows, this.table.record);
    for await (const rows of pages) yield rows.map((row) => this.recordOf(row));
  }

  clear(): Promise<void> {
    return clearInBatches({
      ...this.#rows,
      timeout: this.table.timeout,
      remove: async (after, last) => {
        const where = `position > ${after} AND position <= ${last} ORDER BY position LIMIT ${this.table.batch} FOR UPDATE SKIP LOCKED`;
        return (await this.#remove(where))?.at(-1);
      },
    });
  }

  close(): Promise<void> {
    return this.connections.close();
  }

  protected digestsOf(keys: readonly DigestedKey[]): unknown[] {
    return keys.map(({ digest }) => this.digestValue(digest));
  }

  /** @returns whether the entry was written: nothing that it was decided on has changed */
  async #write(send: Send, commit: Commit<SlottedEntry>, entry: SlottedEntry): Promise<boolean> {
    const free = keysToBeFree(commit);
    // By this a key is refused that was taken before the statement began; by its unique slot, one
    // that is taken at the same time.
    const holders = free.map((key) => `SELECT 1 FROM ${this.table.name} WHERE ${hasOneOf([key])}`);
    const areFree = holders.length === 0 ? [] : [this.noneOf(holders)];
    const { begin, condition, guard, end } = this.#writing(commit);
    const sql = `${begin} WHERE ${[condition, ...areFree].join(' AND ')} ${end}`;
    const values = [...this.valuesOf(entry, commit.keys), ...guard, ...this.digestsOf(free)];
    return Number((await send(sql, values)).rowCount) > 0;
  }

  #writing({ replaces, deletedVersion }: Commit<SlottedEntry>): Writing {
    if (replaces !== null) {
      const guard = this.#guardOf(replaces);
      return { begin: this.#update, condition: IS_UNCHANGED, guard, end: '' };
    }
    if (deletedVersion === undefined) {
      const begin = `${this.#insert} FROM (SELECT 1) AS nothing`;
      return { begin, condition: 'TRUE', guard: [], end: '' };
    }
    const begin = `${this.#insert} FROM ${this.table.state}`;
    const guard = [deletedVersion];
    return { begin, condition: 'deleted_version = ?', guard, end: this.table.lockShared };
  }

  /**
   * The same in a transaction, for the rare change that concerns more than one row. All rows are
   * locked before any key is taken, so that the usual commits and these do not wait for each other.
   */
  async #writeAll(send: Send, commit: Commit<SlottedEntry>, entry: SlottedEntry): Promise<boolean> {
    const { replaces, absorbs, others, addedKeys } = commit;
    await this.#raiseDeletedVersion(send, versionsIn(absorbs.map(({ record }) => record)));
    const absorbed = await this.#lock(send, absorbs);
    const replaced = await this.#lock(send, replaces === null ? [] : [replaces]);
    const shared = await this.#lock(send, others);
    if (!absorbed || !replaced || !shared) return false;
    await this.#delete(send, absorbed);
    for (const key of addedKeys) {
      // What was decided on those who have it, as if they had it alone, is stale from now on.
      if (others.some(({ record }) => record[key.field] === key.value)) await this.#join(send, key);
    }
    if (!(await this.#write(send, commit, entry))) return false;
    await this.#promote(send, [...absorbed, ...replaced]);
    return true;
  }

  /** @returns the rows; `undefined` if one is not as it was read */
  async #lock(send: Send, entries: readonly SlottedEntry[]): Promise<Row[] | undefined> {
    const locked: Row[] = [];
    for (let from = 0; from < entries.length; from += this.table.batch) {
      const batch = entries.slice(from, from + this.table.batch);
      const where = batch.map(() => `(${IS_UNCHANGED})`).join(' OR ');
      const values = batch.flatMap((entry) => this.#guardOf(entry));
      const { rows } = await send(`${this.#select} WHERE ${where} FOR UPDATE`, values);
      if (rows.length < batch.length) return undefined;
      locked.push(...rows);
    }
    return locked;
  }

  async #join(send: Send, key: DigestedKey): Promise<void> {
    const joins = this.table.joins[KEYS.findIndex(([, field]) => field === key.field)];
    const join = `UPDATE ${this.table.name} SET ${joins} = ${joins} + 1 WHERE ${hasOneOf([key])}`;
    await send(join, this.digestsOf([key]));
  }

  /**
   * Deletes what it has locked before: a `DELETE` that waits for a lock may do so after the caller
   * was told that it failed.
   *
   * @returns the positions of the rows; `undefined` where another was faster
   */
  async #remove(
    where: string,
    values: readonly unknown[] = [],
    check: (rows: readonly Row[]) => void = () => {},
  ): Promise<number[] | undefined> {
    let positions: number[] = [];
    const isDone = await this.connections.transaction(async (send) => {
      await this.#raiseDeletedVersion(send, 0);
      const { rows } = await send(`${this.#select} WHERE ${where}`, values);
      check(rows);
      positions = rows.map(({ position }) => Number(position));
      if (positions.length === 0) return true;
      await this.#raiseDeletedVersion(send, versionsIn(rows));
      await this.#delete(send, rows);
      await this.#promote(send, rows);
      return true;
    });
    return isDone ? positions : undefined;
  }

  async #delete(send: Send, rows: readonly Row[]): Promise<void> {
    if (rows.length === 0) return;
    const positions = rows.map(({ position }) => Number(position));
    // Without values it is not prepared: no two have the same text.
    await send(`DELETE FROM ${this.table.name} WHERE position IN (${positions})`);
  }

  /**
   * Sees to it that of the records that share a key one has slot 0: a save that waited, and was
   * decided when nobody had the key, would take it.
   *
   * @param rows that are gone, or may have another key now
   */
  async #promote(send: Send, rows: readonly Row[]): Promise<void> {
    for (const [place, [prefix]] of KEYS.entries()) {
      const digests = rows.map((row) => row[`${prefix}_left`]).filter((digest) => digest !== null);
      if (digests.length > 0) await this.promote(send, place, digests);
    }
  }

  async #raiseDeletedVersion(send: Send, version: number): Promise<void> {
    const raise = `SET deleted_version = GREATEST(deleted_version, ${version})`;
    await send(`UPDATE ${this.table.state} ${raise}`);
  }

  /** The values of {@link IS_UNCHANGED}. */
  #guardOf({ record, writeIds, joins }: SlottedEntry): unknown[] {
    const { digest } = digestKey({ field: 'id', value: record.id });
    return [this.digestValue(digest), writeIds.join(), this.joinsValue(joins)];
  }
}

function versionsIn(rows: readonly { readonly version?: unknown }[]): number {
  return Math.max(0, ...rows.map(({ version }) => Number(version)));
}
