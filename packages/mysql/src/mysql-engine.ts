import { setTimeout as wait } from 'node:timers/promises';
import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { refuseOtherVersion } from '@tokenkeep/core/adapter';
import {
  type Commit,
  type DigestedKey,
  digestKey,
  type Engine,
  type Snapshot,
  STALE,
} from '@tokenkeep/core/adapter/server';
import { Connections, type Session } from './connections.ts';
import { isLostRace, translateError } from './errors.ts';
import type { CheckedOptions, MysqlValue } from './options.ts';
import { ensureSchema } from './schema.ts';
import { Statements } from './statements.ts';
import { recordOfRow, rowAfter, rowValues, type TokenRow, tokenRow } from './token-row.ts';

/** Reads and commits rows of a table. */
export class MysqlEngine implements Engine<TokenRow> {
  readonly #options: CheckedOptions;
  readonly #connections: Connections;
  readonly #statements: Statements;

  /** @throws TokenStoreError `INVALID_OPTION` */
  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#connections = new Connections(options);
    this.#statements = new Statements(options.table);
  }

  async open(): Promise<void> {
    await this.#connections.open();
    await this.#connections.retry((session) => ensureSchema(session, this.#options.table));
  }

  async find(keys: readonly DigestedKey[]): Promise<StoredRecord[]> {
    const rows = await this.#select(this.#statements.find(keys), keys.map(digestOf));
    return rows.map(recordOfRow);
  }

  async read(keys: readonly DigestedKey[]): Promise<Snapshot<TokenRow>> {
    const rows = await this.#select(this.#statements.read(keys), keys.map(digestOf));
    const entries = rows.map(tokenRow);
    const id = keys.find(({ field }) => field === 'id');
    if (id === undefined || entries.some(({ record }) => record.id === id.value)) {
      return { entries };
    }
    // After the rows: what was deleted before they were read is in it.
    const [lock] = await this.#select(this.#statements.deletedVersion, []);
    return { entries, deletedVersion: Number(lock?.['version']) };
  }

  async commit(commit: Commit<TokenRow>): Promise<TokenRow | typeof STALE> {
    const row = rowAfter(commit);
    // Nothing was read before: whether a connection is sound is found out by a read, not by the write.
    if (commit.replaces === null && commit.keys.length === 1) await this.read(commit.keys);
    const isUsual = commit.absorbs.length === 0 && commit.others.length === 0;
    const isWritten = await falseIfLost(() =>
      isUsual
        ? this.#connections.use((session) => this.#write(session, commit, row))
        : this.#connections.transaction((session) => this.#writeBeside(session, commit, row)),
    );
    return isWritten ? row : STALE;
  }

  async delete(
    { digest }: DigestedKey,
    ifVersion: number | undefined,
  ): Promise<void | typeof STALE> {
    const [row] = await this.#select(this.#statements.version, [digest]);
    const current = row === undefined ? null : { version: Number(row['version']) };
    refuseOtherVersion(current, { ifVersion });
    if (current === null) return;
    const isDeleted = await falseIfLost(() =>
      this.#connections.use(async (session) => {
        // First, so that a record that is added under this id begins above it.
        await session.change(this.#statements.raiseDeletedVersion, [current.version]);
        return session.change(this.#statements.delete, [digest, current.version]);
      }),
    );
    if (!isDeleted) return STALE;
  }

  async *pages(): AsyncGenerator<StoredRecord[], void, undefined> {
    for (let last = 0; ; ) {
      const rows = await this.#select(this.#statements.page, [last]);
      if (rows.length === 0) return;
      last = Number(rows.at(-1)?.['position']);
      yield rows.map(({ position: _, ...fields }) => recordOfRow(fields));
    }
  }

  /**
   * In batches, up to the row that is the last one now. A batch is of rows that it could lock at
   * once: a statement that waited for a lock would delete when nobody expects it any more.
   */
  async clear(): Promise<void> {
    const [newest] = await this.#select(this.#statements.lastPosition, []);
    const last = Number(newest?.['position'] ?? 0);
    let end = performance.now() + this.#options.timeout;
    for (let done = 0; ; ) {
      const batchEnd = await this.#clearBatch(done, last);
      if (batchEnd !== undefined) {
        done = batchEnd;
        end = performance.now() + this.#options.timeout;
        continue;
      }
      const left = await this.#select(this.#statements.positions, [0, last]);
      if (left.length === 0) return;
      if (performance.now() > end) throw lockedTooLong(this.#options.timeout);
      done = 0;
      await wait(10);
    }
  }

  /** @returns the position of the last row that it removed; `undefined` where there was none to be had */
  async #clearBatch(after: number, last: number): Promise<number | undefined> {
    let batchEnd: number | undefined;
    const isDone = await falseIfLost(() =>
      this.#connections.transaction(async (session) => {
        await session.change(this.#statements.raiseDeletedVersion, [0]);
        const rows = await session.select(this.#statements.lockBatch, [after, last]);
        if (rows.length === 0) return false;
        const versions = rows.map(({ version }) => Number(version));
        const positions = rows.map(({ position }) => Number(position));
        batchEnd = positions.at(-1);
        await session.change(this.#statements.raiseDeletedVersion, [Math.max(...versions)]);
        await session.query(this.#statements.deleteBatch(positions));
        return true;
      }),
    );
    return isDone ? batchEnd : undefined;
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateError(error, this.#options.server);
  }

  /** @returns whether the row was written: nothing that it was decided on has changed */
  async #write(
    session: Session,
    { keys, replaces, absorbs, others, addedKeys, absentKeys, deletedVersion }: Commit<TokenRow>,
    row: TokenRow,
  ): Promise<boolean> {
    const held = [...absorbs, ...others];
    const mustBeFree = [
      ...addedKeys.filter((key) => !held.some(({ record }) => record[key.field] === key.value)),
      ...absentKeys,
    ];
    const values: MysqlValue[] = rowValues(row, keys);
    if (replaces !== null) {
      values.push(...guardOf(replaces));
    } else if (deletedVersion !== undefined) {
      values.push(deletedVersion);
    }
    values.push(...mustBeFree.map(digestOf));
    if (replaces !== null) return session.change(this.#statements.update(mustBeFree), values);
    return session.change(
      this.#statements.insert(mustBeFree, deletedVersion !== undefined),
      values,
    );
  }

  /**
   * The same in a transaction, for the rare change that concerns more than one row. All of these
   * take turns, as the first thing that each changes is the one row of the lock table.
   */
  async #writeBeside(session: Session, commit: Commit<TokenRow>, row: TokenRow): Promise<boolean> {
    const { absorbs, others, addedKeys } = commit;
    const versions = absorbs.map(({ record }) => record.version);
    await session.change(this.#statements.raiseDeletedVersion, [Math.max(0, ...versions)]);
    for (const entry of [...absorbs, ...others]) {
      const same = await session.select(this.#statements.lockUnchanged, guardOf(entry));
      if (same.length === 0) return false;
    }
    for (const { record } of absorbs) {
      await session.change(this.#statements.delete, [idDigest(record), record.version]);
    }
    for (const { record } of others) {
      // What is decided on it alone is stale from now on.
      const isJoined = addedKeys.some(({ field, value }) => record[field] === value);
      if (isJoined) await session.change(this.#statements.join, [idDigest(record)]);
    }
    return this.#write(session, commit, row);
  }

  #select(sql: string, values: readonly MysqlValue[]): Promise<Record<string, unknown>[]> {
    return this.#connections.retry((session) => session.select(sql, values));
  }
}

/** What the `WHERE` takes by which a row is found only if it is as it was read. */
function guardOf({ record, writeIds, joins }: TokenRow): MysqlValue[] {
  return [idDigest(record), writeIds.join(), joins];
}

function idDigest({ id }: StoredRecord): string {
  return digestKey({ field: 'id', value: id }).digest;
}

function digestOf({ digest }: DigestedKey): string {
  return digest;
}

async function falseIfLost(work: () => Promise<boolean>): Promise<boolean> {
  try {
    return await work();
  } catch (error) {
    if (isLostRace(error)) return false;
    throw error;
  }
}

function lockedTooLong(timeout: number): TokenStoreError {
  return new TokenStoreError(
    'TIMEOUT',
    `Some records were locked by others for ${timeout} ms. Those that were not removed stay; call it again to remove them.`,
  );
}
