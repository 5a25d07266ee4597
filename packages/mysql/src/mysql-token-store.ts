import { randomUUID } from 'node:crypto';
import {
  type Decide,
  keyDigest,
  keysOf,
  OptimisticSaver,
  type RecordChange,
  StorageTokenStore,
  type StoredRecord,
  type TokenKey,
  type TokenStorage,
  type TokenStoreError,
} from '@tokenkeep/core';
import { isLostConnection, isLostRace, translateError } from './errors.ts';
import {
  type CheckedOptions,
  checkOptions,
  type MysqlConnection,
  type MysqlPool,
  type MysqlTokenStoreOptions,
  type MysqlValue,
} from './options.ts';
import { ALL_COLUMNS, createStatements, KEYS, SCHEMA_VERSION, unknownSchema } from './schema.ts';
import { Statements } from './statements.ts';
import {
  columnValues,
  idDigest,
  type KeySlot,
  keyDigests,
  type TokenRow,
  tokenRow,
} from './token-row.ts';

/**
 * A token store in a table of MySQL (8.0 or later) or MariaDB (10.6 or later), for any number of
 * processes and machines.
 *
 * @example
 * const store = new MysqlTokenStore({ uri: 'mysql://app:password@localhost/zohooauth' });
 * await store.saveToken(new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' }));
 */
export class MysqlTokenStore extends StorageTokenStore {
  /** @throws TokenStoreError `INVALID_OPTION`, `TLS_REQUIRED` */
  constructor(options: MysqlTokenStoreOptions) {
    super(new MysqlTable(checkOptions(options)));
  }
}

/** How often a save is tried again whose connection broke. */
const MAX_LOST_CONNECTIONS = 2;

class MysqlTable implements TokenStorage {
  readonly #options: CheckedOptions;
  readonly #statements: Statements;
  readonly #saver = new OptimisticSaver();
  #pool: MysqlPool | undefined;
  #closePool: () => Promise<void> = async () => {};

  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#statements = new Statements(options.table);
  }

  async open(): Promise<void> {
    const { pool, poolOptions } = this.#options;
    if (pool !== undefined) {
      this.#pool = pool;
    } else if (this.#pool === undefined) {
      const { createPool } = await import('mysql2/promise');
      const own = createPool(poolOptions);
      // Goes before whatever the store sends on a new connection. Locks of gaps, which the stricter
      // isolation takes, would make saves of different users wait for each other.
      own.pool.on('connection', (connection) => {
        connection.query("SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'");
        connection.query('SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED');
      });
      this.#pool = own;
      this.#closePool = () => own.end();
    }
    await this.#ensureSchema();
  }

  async find(keys: readonly TokenKey[]): Promise<StoredRecord[]> {
    const rows = await this.#again(() => this.#with((connection) => this.#rows(connection, keys)));
    return rows.map(({ record }) => record);
  }

  save(keys: readonly TokenKey[], decide: Decide): Promise<void> {
    // So that a write which was done, but whose answer was lost, is known again.
    const writer = randomUUID();
    let lost = 0;
    return this.#saver.repeat(keys, async () => {
      try {
        return await this.#with((connection) => this.#attempt(connection, keys, decide, writer));
      } catch (error) {
        if (isLostRace(error)) return false;
        if (!isLostConnection(error)) throw error;
        lost += 1;
        if (lost > MAX_LOST_CONNECTIONS) throw error;
        return false;
      }
    });
  }

  async delete(id: string): Promise<void> {
    await this.#again(() =>
      this.#with((connection) => this.#run(connection, this.#statements.delete, [idDigest(id)])),
    );
  }

  async all(): Promise<StoredRecord[]> {
    const rows = await this.#again(() =>
      this.#with((connection) => this.#select(connection, this.#statements.all, [])),
    );
    return rows.map(({ record }) => record);
  }

  async clear(): Promise<void> {
    await this.#again(() =>
      this.#with((connection) => this.#run(connection, this.#statements.deleteAll, [])),
    );
  }

  async close(): Promise<void> {
    await this.#closePool();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateError(error);
  }

  /**
   * The usual save is one read and one write. The write is refused by itself if the record has
   * another version by now, or if another record has one of its keys: by its guard if that was
   * written before, by the unique keys if it is written at the same time.
   */
  async #attempt(
    connection: MysqlConnection,
    keys: readonly TokenKey[],
    decide: Decide,
    writer: string,
  ): Promise<boolean> {
    const rows = await this.#rows(connection, keys);
    if (rows.some((row) => row.writer === writer)) return true;
    const change = decide(rows.map(({ record }) => record));
    if (change === null) return true;
    if (needsTurn(change, rows)) return this.#takeTurn(connection, keys, decide, writer);
    const { record, replaces } = change;
    const digests = keyDigests(record);
    const slots = digests.map((digest) => (digest === null ? null : { digest, slot: 0 }));
    const id = idDigest(record.id);
    if (replaces === null) {
      return this.#run(connection, this.#statements.insert, [
        ...rowValues(record, slots, writer),
        id,
        ...digests,
      ]);
    }
    const kept = keptSlots(
      slots,
      rows.find((row) => row.record.id === record.id),
    );
    // The record may have other keys in common with somebody: this save has nothing to do with those.
    const read = new Set(keys.map(keyDigest));
    return this.#run(connection, this.#statements.update, [
      ...rowValues(record, kept, writer),
      id,
      replaces.version,
      id,
      ...digests.map((digest) => (digest !== null && read.has(digest) ? digest : null)),
    ]);
  }

  /**
   * Saves that absorb or rename records, or join others of another client on a key, are rare, and
   * take turns: each in a transaction that changes one row that all of them change.
   */
  async #takeTurn(
    connection: MysqlConnection,
    keys: readonly TokenKey[],
    decide: Decide,
    writer: string,
  ): Promise<boolean> {
    await this.#query(connection, 'START TRANSACTION');
    try {
      await this.#run(connection, this.#statements.takeTurn, []);
      const rows = await this.#rows(connection, keys, ' FOR UPDATE');
      const change = decide(rows.map(({ record }) => record));
      const written =
        change === null || (await this.#write(connection, change, keys, rows, writer));
      await this.#query(connection, written ? 'COMMIT' : 'ROLLBACK');
      return written;
    } catch (error) {
      // If that fails too, the connection is given up and the server rolls back.
      await this.#query(connection, 'ROLLBACK').catch(() => connection.destroy());
      throw error;
    }
  }

  async #write(
    connection: MysqlConnection,
    { record, replaces, absorbs }: RecordChange,
    keys: readonly TokenKey[],
    rows: readonly TokenRow[],
    writer: string,
  ): Promise<boolean> {
    for (const absorbed of absorbs) {
      await this.#run(connection, this.#statements.delete, [idDigest(absorbed.id)]);
    }
    // What it absorbs may bring keys that the token does not name.
    const read = new Set(keys.map(keyDigest));
    const unread = keysOf(record).filter((key) => !read.has(keyDigest(key)));
    const holders = await this.#rows(connection, unread, ' FOR UPDATE');
    const slots = keptSlots(
      keyDigests(record).map((digest, key) => {
        if (digest === null) return null;
        // Who took a key since it was read is in the way of the unique key, as it should be.
        const taken = (read.has(digest) ? rows : holders)
          .filter((row) => row.record.id !== record.id && !absorbs.includes(row.record))
          .flatMap((row) => row.keys[key] ?? [])
          .filter((held) => held.digest === digest);
        return { digest, slot: Math.max(-1, ...taken.map(({ slot }) => slot)) + 1 };
      }),
      rows.find((row) => row.record.id === record.id),
    );
    const values = [...rowValues(record, slots, writer), idDigest(record.id)];
    if (replaces === null) return this.#run(connection, this.#statements.insertBeside, values);
    return this.#run(connection, this.#statements.updateBeside, [...values, replaces.version]);
  }

  async #rows(
    connection: MysqlConnection,
    keys: readonly TokenKey[],
    lock = '',
  ): Promise<TokenRow[]> {
    if (keys.length === 0) return [];
    const columns = keys.map(
      ({ field }) => `${KEYS.find(([, name]) => name === field)?.[0] ?? 'id'}_digest`,
    );
    return this.#select(connection, this.#statements.find(columns) + lock, keys.map(keyDigest));
  }

  async #select(
    connection: MysqlConnection,
    sql: string,
    values: MysqlValue[],
  ): Promise<TokenRow[]> {
    const [rows] = await connection.execute({ sql, timeout: this.#options.timeout }, values);
    if (!Array.isArray(rows)) throw new Error('the driver gave no rows');
    return rows.map(tokenRow);
  }

  /** @returns whether it changed a row */
  async #run(connection: MysqlConnection, sql: string, values: MysqlValue[]): Promise<boolean> {
    const [result] = await connection.execute({ sql, timeout: this.#options.timeout }, values);
    return (
      typeof result === 'object' &&
      result !== null &&
      'affectedRows' in result &&
      result.affectedRows !== 0
    );
  }

  /** For what can't be prepared. */
  async #query(connection: MysqlConnection, sql: string): Promise<unknown> {
    const [result] = await connection.query({ sql, timeout: this.#options.timeout });
    return result;
  }

  async #with<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    if (this.#pool === undefined) throw new Error('the store is not open');
    const connection = await this.#pool.getConnection();
    let isSound = false;
    try {
      const result = await work(connection);
      isSound = true;
      return result;
    } catch (error) {
      const code = translateError(error)?.code;
      // What it does after a time-out, or after it broke, belongs to nobody.
      isSound = code !== 'TIMEOUT' && code !== 'CONNECTION_FAILED';
      throw error;
    } finally {
      if (isSound) connection.release();
      else connection.destroy();
    }
  }

  /** Once more, on another connection, if the first had gone stale: for what may be done twice. */
  async #again<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isLostConnection(error)) return work();
      throw error;
    }
  }

  async #ensureSchema(): Promise<void> {
    const { table } = this.#options;
    await this.#again(() =>
      this.#with(async (connection) => {
        if (await this.#isKnown(connection, table)) return;
        for (const sql of createStatements(table)) await this.#query(connection, sql);
        // Another process may have made another table meanwhile.
        await this.#isKnown(connection, table);
      }),
    );
  }

  /** @throws TokenStoreError `SCHEMA_UNKNOWN` */
  async #isKnown(connection: MysqlConnection, table: string): Promise<boolean> {
    const columns = await this.#columnsOf(connection, table);
    const lockColumns = await this.#columnsOf(connection, `${table}_lock`);
    if (lockColumns.length > 0 && lockColumns.join() !== 'one,schema_version,turn') {
      throw unknownSchema(`${table}_lock`, 'was not made by a token store');
    }
    if (
      columns.length > 0 &&
      (lockColumns.length === 0 || columns.join() !== ALL_COLUMNS.toSorted().join())
    ) {
      throw unknownSchema(table, 'was not made by a token store of this version');
    }
    if (columns.length === 0 || lockColumns.length === 0) return false;
    const sql = `SELECT schema_version AS version FROM \`${table}_lock\` WHERE one = 1`;
    const [row] = (await this.#query(connection, sql)) as { version: unknown }[];
    if (row === undefined) return false;
    if (Number(row.version) === SCHEMA_VERSION) return true;
    throw unknownSchema(
      table,
      `has version ${Number(row.version)} of the schema, and this package knows ${SCHEMA_VERSION}`,
    );
  }

  async #columnsOf(connection: MysqlConnection, table: string): Promise<string[]> {
    const sql = `SELECT column_name AS name FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name = '${table}'`;
    const rows = (await this.#query(connection, sql)) as { name: unknown }[];
    return rows.map(({ name }) => String(name)).toSorted();
  }
}

/** Whether a change concerns more than one record, so that one statement can't do it. */
function needsTurn(change: RecordChange, rows: readonly TokenRow[]): boolean {
  const { record, replaces, absorbs } = change;
  if (absorbs.length > 0) return true;
  if (replaces !== null && isRenamed(replaces, record)) return true;
  const digests = keyDigests(record);
  return rows.some(
    (row) =>
      row.record.id !== record.id &&
      row.keys.some((held) => held !== null && digests.includes(held.digest)),
  );
}

function isRenamed(before: StoredRecord, after: StoredRecord): boolean {
  return (
    (before.userName != null && before.userName !== after.userName) ||
    (before.clientId != null && before.clientId !== after.clientId)
  );
}

/** A record keeps the slots of the keys that it keeps. */
function keptSlots(
  slots: readonly (KeySlot | null)[],
  before: TokenRow | undefined,
): (KeySlot | null)[] {
  return slots.map((wanted, key) => {
    const held = before?.keys[key];
    return held != null && held.digest === wanted?.digest ? held : wanted;
  });
}

function rowValues(
  record: StoredRecord,
  slots: readonly (KeySlot | null)[],
  writer: string,
): (string | number | null)[] {
  return [
    ...columnValues(record),
    ...slots.flatMap((key) => [key?.digest ?? null, key?.slot ?? null]),
    writer,
  ];
}
