import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { refuseOtherVersion } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type Connections,
  clearInBatches,
  concernsOneRecord,
  type DigestedKey,
  digestColumn,
  digestKey,
  type Engine,
  KEYS,
  keysToBeFree,
  type PositionedRows,
  pagesOf,
  type Row,
  type Send,
  type Snapshot,
  STALE,
} from '@tokenkeep/core/adapter/server';
import { connectionsOf, requirePlain } from './connections.ts';
import { translateError } from './errors.ts';
import type { CheckedOptions, MysqlValue } from './options.ts';
import { ensureSchema, KEY_COLUMNS } from './schema.ts';
import {
  ENTRY,
  RECORD,
  recordOfRow,
  rowAfter,
  rowValues,
  type TokenRow,
  tokenRow,
  WRITTEN,
} from './token-row.ts';

/** Rows that are removed at once: so few that another's save does not wait long for them. */
const BATCH = 200;

const SET = WRITTEN.map((column) => `${column} = ?`).join();
const PLACES = WRITTEN.map(() => '?').join();

/** The columns that tell which keys a row has, which of those who have them it is, and who came. */
const SLOTS = `${KEY_COLUMNS},joins`;

/** By this a row is found only if it is as it was read. */
const IS_UNCHANGED = 'id_digest = ? AND write_ids = ? AND joins = ?';

/**
 * Reads and commits rows of a table. Each value is a `?`, so that there are few different texts: a
 * server keeps 16,382 prepared statements at most, for all its connections.
 */
export class MysqlEngine implements Engine<TokenRow> {
  readonly #options: CheckedOptions;
  readonly #connections: Connections;
  readonly #rows: string;
  readonly #table: PositionedRows;
  readonly #lock: string;

  /** @throws TokenStoreError `INVALID_OPTION` */
  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#connections = connectionsOf(options);
    this.#rows = `\`${options.table}\``;
    this.#table = { connections: this.#connections, table: this.#rows };
    this.#lock = `\`${options.table}_lock\``;
  }

  async open(): Promise<void> {
    await this.#connections.open();
    await this.#connections.retry(requirePlain);
    // What a migration takes grows with the number of rows.
    await this.#connections.use((send) => ensureSchema(send, this.#options.table), false);
  }

  async find(keys: readonly DigestedKey[]): Promise<StoredRecord[]> {
    return (await this.#selectBy(keys, RECORD)).map(recordOfRow);
  }

  async read(keys: readonly DigestedKey[]): Promise<Snapshot<TokenRow>> {
    const entries = (await this.#selectBy(keys, ENTRY)).map(tokenRow);
    const id = keys.find(({ field }) => field === 'id');
    if (id === undefined || entries.some(({ record }) => record.id === id.value)) {
      return { entries };
    }
    // After the rows: what was deleted before they were read is in it.
    const [lock] = await this.#connections.rows(
      `SELECT deleted_version AS version FROM ${this.#lock}`,
    );
    return { entries, deletedVersion: Number(lock?.['version']) };
  }

  async commit(commit: Commit<TokenRow>): Promise<TokenRow | typeof STALE> {
    const { keys, replaces } = commit;
    const row = rowAfter(commit);
    // Nothing was read before: a broken connection is found out by a read, not by the write.
    if (replaces === null && keys.length === 1) await this.read(keys);
    const isWritten = concernsOneRecord(commit)
      ? await this.#connections.write((send) => this.#write(send, commit, row))
      : await this.#connections.transaction((send) => this.#writeAll(send, commit, row));
    return isWritten ? row : STALE;
  }

  async delete(key: DigestedKey, ifVersion: number | undefined): Promise<typeof STALE | undefined> {
    const where = 'WHERE id_digest = ? FOR UPDATE';
    const removed = await this.#remove(where, [key.digest], ([row]) => {
      const current = row === undefined ? null : { version: Number(row['version']) };
      refuseOtherVersion(current, { ifVersion });
    });
    return removed === undefined ? STALE : undefined;
  }

  async *pages(): AsyncGenerator<StoredRecord[], void, undefined> {
    for await (const rows of pagesOf(this.#table, RECORD)) yield rows.map(recordOfRow);
  }

  clear(): Promise<void> {
    const batch = `WHERE position > ? AND position <= ? ORDER BY position LIMIT ${BATCH} FOR UPDATE SKIP LOCKED`;
    return clearInBatches({
      ...this.#table,
      timeout: this.#options.timeout,
      remove: async (after, last) => (await this.#remove(batch, [after, last]))?.at(-1),
    });
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateError(error, this.#options.server);
  }

  /** @returns whether the row was written: nothing that it was decided on has changed */
  async #write(send: Send, commit: Commit<TokenRow>, row: TokenRow): Promise<boolean> {
    const { keys, replaces, deletedVersion } = commit;
    const free = keysToBeFree(commit);
    // By this a key is refused that was taken before the statement began; by its unique slot, one
    // that is taken at the same time. Neither server reads a table that it writes to, but for a
    // derived one which it has to make.
    const holder = `SELECT 1 FROM ${this.#rows} WHERE ${hasOneOf(free)} LIMIT 1`;
    const areFree = free.length === 0 ? 'TRUE' : `NOT EXISTS (SELECT 1 FROM (${holder}) AS holder)`;
    const values = rowValues(row, keys);
    const digests = free.map(digestOf);
    if (replaces !== null) {
      const update = `UPDATE ${this.#rows} SET ${SET} WHERE ${IS_UNCHANGED} AND ${areFree}`;
      return change(send, update, [...values, ...guardOf(replaces), ...digests]);
    }
    const insert = `INSERT INTO ${this.#rows} (${WRITTEN},joins) SELECT ${PLACES},0 FROM`;
    if (deletedVersion === undefined) {
      return change(send, `${insert} DUAL WHERE ${areFree}`, [...values, ...digests]);
    }
    const isSo = `deleted_version = ? AND ${areFree} LOCK IN SHARE MODE`;
    const under = `${insert} ${this.#lock} WHERE ${isSo}`;
    return change(send, under, [...values, deletedVersion, ...digests]);
  }

  /** The same in a transaction, for the rare change that concerns more than one row. */
  async #writeAll(send: Send, commit: Commit<TokenRow>, row: TokenRow): Promise<boolean> {
    const { replaces, absorbs, others, addedKeys } = commit;
    const versions = absorbs.map(({ record }) => record.version);
    await this.#raiseDeletedVersion(send, versions);
    const lock = `SELECT ${SLOTS} FROM ${this.#rows} WHERE ${IS_UNCHANGED} FOR UPDATE`;
    const changed: Row[] = [];
    for (const entry of [...absorbs, ...(replaces === null ? [] : [replaces]), ...others]) {
      const [locked] = (await send(lock, guardOf(entry))).rows;
      if (locked === undefined) return false;
      if (!others.includes(entry)) changed.push(locked);
    }
    for (const { record } of absorbs) {
      await change(send, `DELETE FROM ${this.#rows} WHERE id_digest = ?`, [idDigest(record)]);
    }
    const join = `UPDATE ${this.#rows} SET joins = joins + 1 WHERE id_digest = ?`;
    for (const { record } of others) {
      // What was decided on it alone is stale from now on.
      const isJoined = addedKeys.some(({ field, value }) => record[field] === value);
      if (isJoined) await change(send, join, [idDigest(record)]);
    }
    if (!(await this.#write(send, commit, row))) return false;
    await this.#promote(send, changed);
    return true;
  }

  /**
   * Sees to it that of the records that share a key one has slot 0: a save that waited, and was
   * decided when nobody had the key, would take it.
   *
   * @param left rows that had it, and are gone or may have another key now
   */
  async #promote(send: Send, left: readonly Row[]): Promise<void> {
    for (const row of left) {
      if (Number(row['joins']) === 0) continue;
      for (const [prefix] of KEYS) {
        const digest = row[`${prefix}_digest`];
        if (typeof digest !== 'string' || Number(row[`${prefix}_slot`]) > 0) continue;
        const holder = `SELECT 1 FROM ${this.#rows} WHERE ${prefix}_digest = ? AND ${prefix}_slot = 0`;
        const promote = `UPDATE ${this.#rows} SET ${prefix}_slot = 0, joins = joins + 1
          WHERE ${prefix}_digest = ? AND NOT EXISTS (SELECT 1 FROM (${holder}) AS holder)
          ORDER BY ${prefix}_slot LIMIT 1`;
        await change(send, promote, [digest, digest]);
      }
    }
  }

  /** Transactions that begin with it take turns. */
  async #raiseDeletedVersion(send: Send, versions: readonly number[]): Promise<void> {
    const raise = `UPDATE ${this.#lock} SET deleted_version = GREATEST(deleted_version, ?)`;
    await change(send, raise, [Math.max(0, ...versions)]);
  }

  /**
   * Deletes what it has locked before: a `DELETE` that waits for a lock may do so after the caller
   * was told that it failed.
   *
   * @returns the positions of the rows; `undefined` where another was faster
   */
  async #remove(
    where: string,
    values: readonly MysqlValue[],
    check: (rows: readonly Row[]) => void = () => {},
  ): Promise<number[] | undefined> {
    const sql = `SELECT position,version,${SLOTS} FROM ${this.#rows} ${where}`;
    let positions: number[] = [];
    const isDone = await this.#connections.transaction(async (send) => {
      await this.#raiseDeletedVersion(send, []);
      const { rows } = await send(sql, values);
      check(rows);
      positions = rows.map(({ position }) => Number(position));
      if (positions.length === 0) return true;
      const versions = rows.map(({ version }) => Number(version));
      await this.#raiseDeletedVersion(send, versions);
      // Not prepared: no two batches have the same text.
      await send(`DELETE FROM ${this.#rows} WHERE position IN (${positions})`);
      await this.#promote(send, rows);
      return true;
    });
    return isDone ? positions : undefined;
  }

  #selectBy(keys: readonly DigestedKey[], columns: string): Promise<Row[]> {
    const sql = `SELECT ${columns} FROM ${this.#rows} WHERE ${hasOneOf(keys)}`;
    return this.#connections.rows(sql, keys.map(digestOf));
  }
}

/** @returns whether it changed a row */
async function change(send: Send, sql: string, values: readonly MysqlValue[]): Promise<boolean> {
  return Number((await send(sql, values)).rowCount) > 0;
}

function hasOneOf(keys: readonly DigestedKey[]): string {
  return keys.map(({ field }) => `${digestColumn(field)} = ?`).join(' OR ');
}

function digestOf({ digest }: DigestedKey): string {
  return digest;
}

/** The values of {@link IS_UNCHANGED}. */
function guardOf({ record, writeIds, joins }: TokenRow): MysqlValue[] {
  return [idDigest(record), writeIds.join(), joins];
}

function idDigest({ id }: StoredRecord): string {
  return digestKey({ field: 'id', value: id }).digest;
}
