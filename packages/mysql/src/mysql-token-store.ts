import { randomUUID } from 'node:crypto';
import {
  Deadline,
  type Decide,
  invalidOption,
  isRenamed,
  keyDigest,
  keysOf,
  LastWritten,
  OptimisticSaver,
  type RecordChange,
  StorageTokenStore,
  type StoredRecord,
  type TokenKey,
  type TokenStorage,
  type TokenStoreError,
} from '@tokenkeep/core';
import { isGivenUp, isLostConnection, isLostRace, lateness, translateError } from './errors.ts';
import {
  type CheckedOptions,
  checkOptions,
  type MysqlConnection,
  type MysqlPool,
  type MysqlTokenStoreOptions,
  type MysqlValue,
} from './options.ts';
import { ALL_COLUMNS, createStatements, KEYS, SCHEMA_VERSION, unknownSchema } from './schema.ts';
import { Statements, WRITTEN } from './statements.ts';
import {
  idDigest,
  type KeySlot,
  keyDigests,
  recordOfRow,
  rowValues,
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

/**
 * Goes before whatever the store sends on a new connection. Locks of gaps, which a stricter isolation
 * takes, would make saves of different users wait for each other.
 */
const SETTINGS = [
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  'SET SESSION autocommit = 1',
];

/** How often a save is tried again whose connection broke. */
const MAX_LOST_CONNECTIONS = 2;

/** A save that is going on. */
interface Save {
  readonly keys: readonly TokenKey[];
  readonly digests: readonly string[];
  readonly decide: Decide;
  /**
   * What the rows that it wrote, or may have written where an answer was lost, are known by. One that
   * is decided anew is another write: who read the first must not take it for that.
   */
  readonly writers: string[];
}

/** A row as it was written or read. */
interface Written {
  readonly row: TokenRow;
  /** Digests, among them those of its keys that no other row had. */
  readonly sole: readonly string[];
}

class MysqlTable implements TokenStorage {
  readonly #options: CheckedOptions;
  readonly #statements: Statements;
  readonly #saver = new OptimisticSaver();
  readonly #lastWritten = new LastWritten<Written>();
  readonly #deadline: Deadline;
  #pool: MysqlPool | undefined;
  #closePool: () => Promise<void> = async () => {};

  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#statements = new Statements(options.table);
    this.#deadline = new Deadline(options.timeout);
  }

  async open(): Promise<void> {
    const { pool, poolOptions } = this.#options;
    if (pool !== undefined) {
      this.#pool = pool;
    } else if (this.#pool === undefined) {
      const { createPool } = await import('mysql2/promise');
      const own = createPool(poolOptions);
      own.pool.on('connection', (connection) => {
        for (const setting of SETTINGS) {
          connection.query(setting, (error) => {
            if (error) connection.destroy();
          });
        }
      });
      this.#pool = own;
      this.#closePool = () => own.end();
    }
    await this.#again(() => this.#with((connection) => this.#requirePlain(connection)));
    await this.#ensureSchema();
  }

  async find(keys: readonly TokenKey[]): Promise<StoredRecord[]> {
    const sql = this.#statements.find(keys.map(prefixOf));
    const digests = keys.map(keyDigest);
    const rows = await this.#again(() =>
      this.#with((connection) => this.#select(connection, sql, digests)),
    );
    return rows.map(recordOfRow);
  }

  save(keys: readonly TokenKey[], decide: Decide): Promise<void> {
    const save: Save = { keys, digests: keys.map(keyDigest), decide, writers: [] };
    let lost = 0;
    return this.#saver.repeat(keys, async () => {
      try {
        return await this.#with(async (connection) => {
          const last = this.#lastWritten.take(save.digests);
          if (last !== undefined && (await this.#saveOver(connection, last, save))) return true;
          return this.#attempt(connection, save);
        });
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
    await this.#erase(this.#statements.delete, [idDigest(id)]);
    this.#lastWritten.forget(id);
  }

  async all(): Promise<StoredRecord[]> {
    const rows = await this.#again(() =>
      this.#with((connection) => this.#select(connection, this.#statements.all, [])),
    );
    return rows.map(recordOfRow);
  }

  async clear(): Promise<void> {
    await this.#erase(this.#statements.deleteAll, []);
    this.#lastWritten.clear();
  }

  async close(): Promise<void> {
    await this.#closePool();
  }

  translateError(error: unknown): TokenStoreError | undefined {
    return translateError(error);
  }

  /** Saves over the row that this store wrote last, if it is as it was: spares the read. */
  async #saveOver(connection: MysqlConnection, last: Written, save: Save): Promise<boolean> {
    const { row, sole } = last;
    const isSole = (digest: string) => sole.includes(digest) || !holds(row, digest);
    if (!save.digests.every(isSole)) return false;
    // An id comes first, and may be that of another.
    if (save.keys.some(({ field, value }) => field === 'id' && value !== row.record.id))
      return false;
    let change: RecordChange | null;
    try {
      change = save.decide([row.record]);
    } catch {
      // Only what is read is a reason to refuse a save.
      return false;
    }
    if (change === null || change.replaces === null) return false;
    const digests = keyDigests(change.record, save);
    if (needsTurn(change, digests, [row])) return false;
    const isSaved = await this.#update(connection, { record: change.record, digests }, last, save);
    if (!isSaved) this.#lastWritten.giveUp(row.record.id);
    return isSaved;
  }

  /** The usual save of a record that another process wrote last is one read and one write. */
  async #attempt(connection: MysqlConnection, save: Save): Promise<boolean> {
    const rows = await this.#rows(connection, save.keys, save.digests);
    // It was done, but its answer was lost.
    if (rows.some((row) => save.writers.includes(row.writer))) return true;
    const change = save.decide(rows.map(({ record }) => record));
    if (change === null) return true;
    const { record } = change;
    const digests = keyDigests(record, save);
    if (needsTurn(change, digests, rows)) return this.#takeTurn(connection, save);
    const row = rows.find((each) => each.record.id === record.id);
    if (row !== undefined) {
      return this.#update(connection, { record, digests }, { row, sole: save.digests }, save);
    }
    const added = newRow(record, digests.map(firstSlot), save);
    const isAdded = await this.#run(connection, this.#statements.insert, [
      ...rowValues(added),
      idDigest(record.id),
      ...digests,
    ]);
    if (isAdded) this.#keep({ row: added, sole: save.digests });
    return isAdded;
  }

  /**
   * Changes a row in one statement, which is refused if the row was written since, if another came
   * to share one of its keys, or if another has a key that is new to it: by its guard if that was
   * written before, by the unique keys if it is written at the same time.
   *
   * @param before the row, and those of its keys that no other row has
   */
  async #update(
    connection: MysqlConnection,
    { record, digests }: { record: StoredRecord; digests: readonly (string | null)[] },
    before: Written,
    save: Save,
  ): Promise<boolean> {
    const row = {
      ...newRow(record, keptSlots(digests.map(firstSlot), before.row), save),
      joins: before.row.joins,
    };
    const isNew = (digest: string | null): digest is string =>
      digest !== null && !holds(before.row, digest);
    const { columns, values } = changed(before.row, row);
    const newKeys = KEYS.flatMap(([prefix], key) => (isNew(digests[key] ?? null) ? prefix : []));
    const sql = this.#statements.update(columns, newKeys);
    const isChanged = await this.#run(connection, sql, [
      ...values,
      idDigest(record.id),
      before.row.writer,
      before.row.joins,
      ...digests.filter(isNew),
    ]);
    if (isChanged) {
      const sole = [...before.sole, ...save.digests];
      this.#keep({
        row,
        sole: digests.filter(
          (digest): digest is string => digest !== null && sole.includes(digest),
        ),
      });
    }
    return isChanged;
  }

  #keep(written: Written): void {
    this.#lastWritten.keep(written.row.record, written.sole, written);
  }

  /**
   * Saves that absorb or rename records, or join others of another client on a key, are rare, and
   * take turns: each in a transaction that changes one row that all of them change.
   */
  async #takeTurn(connection: MysqlConnection, save: Save): Promise<boolean> {
    await this.#query(connection, 'START TRANSACTION');
    try {
      await this.#run(connection, this.#statements.takeTurn, []);
      const rows = await this.#rows(connection, save.keys, save.digests, ' FOR UPDATE');
      const change = save.decide(rows.map(({ record }) => record));
      const written = change === null || (await this.#write(connection, change, rows, save));
      await this.#query(connection, written ? 'COMMIT' : 'ROLLBACK');
      for (const { id } of change?.absorbs ?? []) this.#lastWritten.forget(id);
      return written;
    } catch (error) {
      // A connection that is given up, the server rolls back. On one that hangs, this would wait.
      if (isGivenUp(error)) connection.destroy();
      else await this.#query(connection, 'ROLLBACK').catch(() => connection.destroy());
      throw error;
    }
  }

  async #write(
    connection: MysqlConnection,
    { record, absorbs }: RecordChange,
    rows: readonly TokenRow[],
    save: Save,
  ): Promise<boolean> {
    for (const absorbed of absorbs) {
      await this.#run(connection, this.#statements.delete, [idDigest(absorbed.id)]);
    }
    const digests = keyDigests(record, save);
    const before = rows.find((row) => row.record.id === record.id);
    // What it absorbs may bring keys that the token does not name.
    const unread = keysOf(record).filter((key) => !save.digests.includes(keyDigest(key)));
    const unreadRows = await this.#rows(connection, unread, unread.map(keyDigest), ' FOR UPDATE');
    const others = [...rows, ...unreadRows].filter(
      (row) => row.record.id !== record.id && !absorbs.some(({ id }) => id === row.record.id),
    );
    const joined = new Set<string>();
    const slots = digests.map((digest, key) => {
      if (digest === null) return null;
      const held = before?.keys[key];
      if (held?.digest === digest) return held;
      // Who took a key since it was read is in the way of the unique key, as it should be.
      const holders = others.filter((row) => row.keys[key]?.digest === digest);
      for (const { record: holder } of holders) joined.add(holder.id);
      return { digest, slot: Math.max(-1, ...holders.map((row) => row.keys[key]?.slot ?? 0)) + 1 };
    });
    // They are no longer alone with a key: what was decided before is to be decided again.
    for (const id of joined) await this.#run(connection, this.#statements.join, [idDigest(id)]);
    const row = newRow(record, slots, save);
    const id = idDigest(record.id);
    if (before === undefined) {
      return this.#run(connection, this.#statements.insertBeside, [...rowValues(row), id]);
    }
    const { columns, values } = changed(before, row);
    const sql = this.#statements.update(columns, []);
    return this.#run(connection, sql, [...values, id, before.writer, before.joins]);
  }

  async #rows(
    connection: MysqlConnection,
    keys: readonly TokenKey[],
    digests: readonly string[],
    lock = '',
  ): Promise<TokenRow[]> {
    if (keys.length === 0) return [];
    const sql = this.#statements.findForSave(keys.map(prefixOf)) + lock;
    return (await this.#select(connection, sql, digests)).map(tokenRow);
  }

  async #select(
    connection: MysqlConnection,
    sql: string,
    values: readonly MysqlValue[],
  ): Promise<Record<string, unknown>[]> {
    const [rows] = await this.#inTime(connection.execute(sql, [...values]));
    if (!Array.isArray(rows)) throw new Error('the driver gave no rows');
    return rows;
  }

  /** @returns whether it changed a row */
  async #run(connection: MysqlConnection, sql: string, values: MysqlValue[]): Promise<boolean> {
    const [result] = await this.#inTime(connection.execute(sql, values));
    return (
      typeof result === 'object' &&
      result !== null &&
      'affectedRows' in result &&
      result.affectedRows !== 0
    );
  }

  /** For what can't be prepared. */
  async #query(connection: MysqlConnection, sql: string): Promise<unknown> {
    const [result] = await this.#inTime(connection.query(sql));
    return result;
  }

  async #with<T>(work: (connection: MysqlConnection) => Promise<T>): Promise<T> {
    if (this.#pool === undefined) throw new Error('the store is not open');
    const coming = this.#pool.getConnection();
    const connection = await this.#inTime(coming).catch((error: unknown) => {
      // One that comes too late goes back to the others.
      coming.then((late) => late.release()).catch(() => {});
      throw error;
    });
    let isSound = false;
    try {
      const result = await work(connection);
      isSound = true;
      return result;
    } catch (error) {
      isSound = !isGivenUp(error);
      throw error;
    } finally {
      if (isSound) connection.release();
      else connection.destroy();
    }
  }

  /** What was sent first and what is waited for, a connection too, has its time, as a whole. */
  #inTime<T>(answer: Promise<T>): Promise<T> {
    return this.#deadline.for(answer, () => lateness(this.#options.timeout));
  }

  /** May be in a deadlock with a save, as that locks what it needs in another order. */
  async #erase(sql: string, values: MysqlValue[]): Promise<void> {
    await this.#saver.repeat([], async () => {
      try {
        await this.#again(() => this.#with((connection) => this.#run(connection, sql, values)));
        return true;
      } catch (error) {
        if (isLostRace(error)) return false;
        throw error;
      }
    });
  }

  /**
   * A pool may be set up to give and take values in a way of its own, with which records would be
   * damaged, or never be committed.
   *
   * @throws TokenStoreError `INVALID_OPTION`
   */
  async #requirePlain(connection: MysqlConnection): Promise<void> {
    const rows = await this.#select(
      connection,
      "SELECT '' AS text, @@autocommit AS autocommit, @@character_set_client AS charset",
      [],
    );
    const row = { ...rows[0] };
    if (row['text'] !== '' || typeof row['charset'] !== 'string') {
      throw invalidOption(
        'pool',
        'or connection has rowsAsArray, nestTables or a typeCast: rows must come as objects, with their values as they are',
      );
    }
    if (row['charset'] !== 'utf8mb4') {
      throw invalidOption('pool', 'or connection has another charset than utf8mb4');
    }
    if (Number(row['autocommit']) !== 1) {
      throw invalidOption('pool', 'has autocommit off: nothing would be kept');
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
function needsTurn(
  { record, replaces, absorbs }: RecordChange,
  digests: readonly (string | null)[],
  rows: readonly TokenRow[],
): boolean {
  if (absorbs.length > 0) return true;
  if (replaces !== null && isRenamed(replaces, record)) return true;
  const others = rows.filter((row) => row.record.id !== record.id);
  return others.some((row) => digests.some((digest) => digest !== null && holds(row, digest)));
}

function holds(row: TokenRow, digest: string): boolean {
  return row.keys.some((key) => key?.digest === digest);
}

/** A record keeps the slots of the keys that it keeps. */
function keptSlots(slots: readonly (KeySlot | null)[], before: TokenRow): (KeySlot | null)[] {
  return slots.map((wanted, key) => {
    const held = before.keys[key];
    return held != null && held.digest === wanted?.digest ? held : wanted;
  });
}

function newRow(record: StoredRecord, keys: readonly (KeySlot | null)[], save: Save): TokenRow {
  const writer = randomUUID();
  save.writers.push(writer);
  return { record, keys, writer, joins: 0 };
}

function firstSlot(digest: string | null): KeySlot | null {
  return digest === null ? null : { digest, slot: 0 };
}

/** The columns that are another in a row, and their values. */
function changed(
  before: TokenRow,
  after: TokenRow,
): { columns: readonly string[]; values: MysqlValue[] } {
  const old = rowValues(before);
  const values = rowValues(after);
  const isOther = (_: unknown, place: number) => values[place] !== old[place];
  return { columns: WRITTEN.filter(isOther), values: values.filter(isOther) };
}

/** What the columns of a key begin with. */
function prefixOf({ field }: TokenKey): string {
  return KEYS.find(([, name]) => name === field)?.[0] ?? 'id';
}
