import type { StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { refuseOtherVersion } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type Connections,
  clearInBatches,
  concernsOneRecord,
  type DigestedKey,
  type Engine,
  keysToBeFree,
  type PositionedRows,
  pagesOf,
  type Send,
  type Snapshot,
  STALE,
} from '@tokenkeep/core/adapter/server';
import { connectionsOf, requirePlain } from './connections.ts';
import { hiddenRecord, isTaken, translateError } from './errors.ts';
import type { CheckedOptions } from './options.ts';
import { ensureSchema, type Names, quotedNames, unknownSchema } from './schema.ts';
import { RECORD, Statements } from './statements.ts';
import {
  bytesOf,
  guardOf,
  isInTheWay,
  recordOfRow,
  rowAfter,
  rowValues,
  sharedDigestsIn,
  type TokenRow,
  tokenRow,
} from './token-row.ts';

/** How often a row is written that is refused because of another that is not to be seen. */
const MAX_ATTEMPTS = 5;

/** Reads and commits rows of a table. */
export class PostgresEngine implements Engine<TokenRow> {
  readonly #options: CheckedOptions;
  readonly #connections: Connections;
  readonly #names: Names;
  readonly #table: PositionedRows;
  readonly #statements: Statements;

  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#connections = connectionsOf(options);
    this.#names = quotedNames(options.schema, options.table);
    this.#table = { connections: this.#connections, table: this.#names.table };
    this.#statements = new Statements(this.#names);
  }

  async open(): Promise<void> {
    await this.#connections.open();
    await this.#connections.retry(requirePlain);
    await this.#connections.retry((send) => ensureSchema(send, this.#names));
  }

  async find(keys: readonly DigestedKey[]): Promise<StoredRecord[]> {
    return (await this.#connections.rows(this.#statements.find(keys), keys.map(bytesOf))).map(
      recordOfRow,
    );
  }

  async read(keys: readonly DigestedKey[]): Promise<Snapshot<TokenRow>> {
    const rows = await this.#connections.rows(this.#statements.read(keys), keys.map(bytesOf));
    if (rows.length === 0) throw unknownSchema(this.#names);
    return {
      entries: rows.filter((row) => row['write_ids'] !== null).map(tokenRow),
      deletedVersion: Number(rows[0]?.['deleted_version']),
    };
  }

  async commit(commit: Commit<TokenRow>): Promise<TokenRow | typeof STALE> {
    const { keys, replaces } = commit;
    const row = rowAfter(commit);
    // Nothing was read before: whether a connection is sound is found out by a read, not by the write.
    if (replaces === null && keys.length === 1) await this.read(keys);
    for (let attempt = 1; ; attempt += 1) {
      try {
        const isWritten = concernsOneRecord(commit)
          ? await this.#connections.write((send) => this.#write(send, commit, row))
          : await this.#connections.transaction((send) => this.#writeBeside(send, commit, row));
        return isWritten ? row : STALE;
      } catch (error) {
        if (!isTaken(error)) throw error;
        const { entries } = await this.read(keys);
        const isSeen = entries.some((entry) =>
          entry.record.id === row.record.id ? replaces === null : isInTheWay(entry, row),
        );
        if (isSeen) return STALE;
        // It was there for a moment, or row level security hides it.
        if (attempt === MAX_ATTEMPTS) throw hiddenRecord();
      }
    }
  }

  async delete(key: DigestedKey, ifVersion: number | undefined): Promise<undefined | typeof STALE> {
    const [row] = await this.#connections.rows(this.#statements.guard, [bytesOf(key)]);
    const current = row === undefined ? null : { version: Number(row['version']) };
    refuseOtherVersion(current, { ifVersion });
    if (row === undefined || current === null) return;
    const isDeleted = await this.#connections.transaction(async (send) => {
      await send(this.#statements.raiseDeletedVersion, [current.version]);
      const guard = [bytesOf(key), row['write_ids'], row['joins']];
      const { rows } = await send(this.#statements.delete, guard);
      await this.#promote(send, rows.flatMap(sharedDigestsIn));
      return rows.length > 0;
    });
    if (!isDeleted) return STALE;
  }

  async *pages(): AsyncGenerator<StoredRecord[], void, undefined> {
    for await (const rows of pagesOf(this.#table, RECORD)) yield rows.map(recordOfRow);
  }

  clear(): Promise<void> {
    return clearInBatches({
      ...this.#table,
      timeout: this.#options.timeout,
      remove: (after, last) => this.#clearBatch(after, last),
    });
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateError(error, this.#options.server);
  }

  /** @returns the highest position that it removed; `undefined` where there was none to be had */
  async #clearBatch(after: number, last: number): Promise<number | undefined> {
    let batchEnd: number | undefined;
    const isDone = await this.#connections.transaction(async (send) => {
      // To have its turn: nobody comes to share a key of a row that goes.
      await send(this.#statements.raiseDeletedVersion, [0]);
      const { rows } = await send(this.#statements.deleteBatch, [after, last]);
      if (rows.length === 0) return false;
      const highest = (column: string) => Math.max(...rows.map((row) => Number(row[column])));
      batchEnd = highest('position');
      await send(this.#statements.raiseDeletedVersion, [highest('version')]);
      await this.#promote(send, rows.flatMap(sharedDigestsIn));
      return true;
    });
    return isDone ? batchEnd : undefined;
  }

  /** @returns whether the row was written: nothing that it was decided on has changed */
  async #write(send: Send, commit: Commit<TokenRow>, row: TokenRow): Promise<boolean> {
    const { keys, replaces, deletedVersion } = commit;
    const mustBeFree = keysToBeFree(commit);
    const checksVersion = deletedVersion !== undefined;
    const { rowCount } = await send(
      replaces === null
        ? this.#statements.insert(mustBeFree, checksVersion)
        : this.#statements.update(mustBeFree),
      [
        ...rowValues(row, keys),
        ...(replaces === null ? [] : guardOf(replaces)),
        ...(replaces === null && checksVersion ? [deletedVersion] : []),
        ...mustBeFree.map(bytesOf),
      ],
    );
    return rowCount === 1;
  }

  /**
   * The same in a transaction, for the rare change that concerns more than one row. All of these
   * take turns, as the first thing that each changes is the one row of the state table. Then all rows
   * are locked before any key is taken, so that the usual commits and these do not wait for each other.
   */
  async #writeBeside(send: Send, commit: Commit<TokenRow>, row: TokenRow): Promise<boolean> {
    const { replaces, absorbs, others, addedKeys } = commit;
    const gone = replaces === null ? absorbs : [replaces, ...absorbs];
    const versions = absorbs.map(({ record }) => record.version);
    await send(this.#statements.raiseDeletedVersion, [Math.max(0, ...versions)]);
    const ids = [...gone, ...others].map((entry) => guardOf(entry)[0]);
    const { rows } = await send(this.#statements.lock, [ids]);
    const found = new Set(rows.map(({ state }) => state));
    const isUnchanged = ([, writeIds, joins]: readonly unknown[]) =>
      found.has(`${writeIds}${joins}`);
    if (![...gone, ...others].map(guardOf).every(isUnchanged)) return false;
    for (const entry of absorbs) await send(this.#statements.delete, guardOf(entry));
    for (const key of addedKeys) {
      // What is decided on those who have it, as if they had it alone, is stale from now on.
      const isShared = others.some(({ record }) => record[key.field] === key.value);
      if (isShared) await send(this.#statements.join[key.field] ?? '', [bytesOf(key)]);
    }
    if (!(await this.#write(send, commit, row))) return false;
    const digests = gone.flatMap(({ sharedKeys }) => sharedKeys);
    await this.#promote(
      send,
      digests.map((digest) => bytesOf({ digest })),
    );
    return true;
  }

  /**
   * Sees to it that of the records that share a key one has slot 0, or one who believes that nobody
   * has it could take that.
   */
  async #promote(send: Send, digests: readonly Uint8Array[]): Promise<void> {
    if (digests.length === 0) return;
    for (const promote of this.#statements.promote) await send(promote, [digests]);
  }
}
