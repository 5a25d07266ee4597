import type { StoredRecord } from '@tokenkeep/core';
import {
  columnValues,
  recordInRow,
  refuseOtherVersion,
  type TokenKey,
  type TokenKeyField,
} from '@tokenkeep/core/adapter';
import { COLUMNS, DELETED_TABLE } from './schema.ts';
import { prepare, type SqliteDatabase, type SqliteStatement } from './sqlite-database.ts';

const NAMES = COLUMNS.map(({ name }) => name);
const COLUMN_OF = new Map(COLUMNS.map(({ name, field }) => [field, name]));
/** Rows come out as records: the columns have the names of the fields. */
const SELECT = `SELECT ${COLUMNS.map(({ name, field }) => `${name} AS "${field}"`).join(', ')}`;

/**
 * Records in one page: what is read, or removed, at a time. The commit that removes them writes a page
 * for each index of each, some milliseconds, in which others wait.
 */
export const PAGE_SIZE = 100;

/** What the statements give of a row, beside the record or without it. */
export interface Row {
  readonly position: number;
  readonly version: number;
}

/** The records in one table, and the statements for them, each prepared once. */
export class OpenedTable {
  readonly database: SqliteDatabase;
  readonly #table: string;
  /** A temporary table of the owner of the handle may have the same name. */
  readonly #from: string;
  readonly #finds = new Map<string, SqliteStatement>();
  readonly #statements: ReturnType<typeof prepareAll>;

  constructor(database: SqliteDatabase, table: string) {
    this.database = database;
    this.#table = table;
    this.#from = `main."${table}"`;
    this.#statements = prepareAll(database, this.#from);
  }

  /** Every record that has the value of at least one of the keys: one statement, so one moment. */
  find(keys: readonly TokenKey[]): StoredRecord[] {
    if (keys.length === 0) return [];
    const fields = keys.map(({ field }) => field);
    const rows = this.#findBy(fields).all(...keys.map(({ value }) => value)) as object[];
    return rows.map(recordInRow);
  }

  /** The next rows in the order of their positions, after one position and up to another. */
  page(after: number, last: number): (StoredRecord & Row)[] {
    return this.#statements.page.all(after, last) as (StoredRecord & Row)[];
  }

  /** The position of the record that was added last, 0 where there is none. */
  lastPosition(): number {
    return (this.#statements.last.get() as { position: number | null }).position ?? 0;
  }

  /** Adds a record, or takes the place of the one with its id. */
  put(record: StoredRecord): void {
    this.#statements.put.run(...columnValues(COLUMNS, record));
  }

  /** Does nothing where there is no such record, unless a version of it is asked for. */
  delete(id: string, ifVersion?: number): void {
    const row = this.#statements.byId.get(id) as Row | undefined;
    refuseOtherVersion(row ?? null, { ifVersion });
    if (row !== undefined) this.#delete(row);
  }

  /** Removes the rows that {@link page} gives. Their records are not read: they may be large. */
  deletePage(after: number, last: number): Row[] {
    const rows = this.#statements.next.all(after, last) as Row[];
    for (const row of rows) this.#delete(row);
    return rows;
  }

  /** See `Decide` of core. */
  deletedVersion(): number {
    return (this.#statements.deletedVersion.get(this.#table) as Row | undefined)?.version ?? 0;
  }

  #delete({ position, version }: Row): void {
    this.#statements.raiseDeletedVersion.run(this.#table, version);
    this.#statements.delete.run(position);
  }

  #findBy(fields: readonly TokenKeyField[]): SqliteStatement {
    const name = fields.join();
    let statement = this.#finds.get(name);
    if (statement === undefined) {
      const condition = fields.map((field) => `${COLUMN_OF.get(field)} = ?`).join(' OR ');
      statement = prepare(this.database, `${SELECT} FROM ${this.#from} WHERE ${condition}`);
      this.#finds.set(name, statement);
    }
    return statement;
  }
}

function prepareAll(database: SqliteDatabase, from: string) {
  const range = `FROM ${from} WHERE position > ? AND position <= ? ORDER BY position LIMIT`;
  const updates = NAMES.map((name) => `${name} = excluded.${name}`);
  const prepared = (sql: string) => prepare(database, sql);
  return {
    page: prepared(`${SELECT}, position ${range} ${PAGE_SIZE}`),
    next: prepared(`SELECT position, version ${range} ${PAGE_SIZE}`),
    last: prepared(`SELECT max(position) AS position FROM ${from}`),
    byId: prepared(`SELECT position, version FROM ${from} WHERE id = ?`),
    put: prepared(`INSERT INTO ${from} (${NAMES}) VALUES (${NAMES.map(() => '?')})
      ON CONFLICT (id) DO UPDATE SET ${updates}`),
    delete: prepared(`DELETE FROM ${from} WHERE position = ?`),
    deletedVersion: prepared(`SELECT version FROM main."${DELETED_TABLE}" WHERE table_name = ?`),
    raiseDeletedVersion:
      prepared(`INSERT INTO main."${DELETED_TABLE}" (table_name, version) VALUES (?, ?)
      ON CONFLICT (table_name) DO UPDATE SET version = max(version, excluded.version)`),
  };
}
