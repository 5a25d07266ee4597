import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt, type TokenKey, type TokenKeyField } from '@tokenkeep/core/adapter';
import { COLUMNS, DELETED_TABLE } from './schema.ts';
import {
  prepare,
  type SqliteDatabase,
  type SqliteStatement,
  type SqliteValue,
} from './sqlite-database.ts';

const KEY_COLUMNS: Readonly<Record<TokenKeyField, string>> = {
  id: 'id',
  userName: 'user_name',
  accessToken: 'access_token',
  grantToken: 'grant_token',
  refreshToken: 'refresh_token',
};

const NAMES = COLUMNS.map(([column]) => column);
/** Rows come out as records: the columns have the names of the fields. */
const SELECT = `SELECT ${COLUMNS.map(([column, field]) => `${column} AS "${field}"`).join(', ')}`;

/** Records in one page: what is read, or removed, at a time. */
const PAGE_SIZE = 100;

type PositionedRow = StoredRecord & { position: number };

function positionIn(row: unknown): number | undefined {
  return (row as { position: number | null }).position ?? undefined;
}

/** The records in one table, and the statements for them, each prepared once. */
export class OpenedTable {
  readonly #database: SqliteDatabase;
  readonly #from: string;
  readonly #finds = new Map<string, SqliteStatement>();
  readonly #table: string;
  readonly #page: SqliteStatement;
  readonly #lastPosition: SqliteStatement;
  readonly #put: SqliteStatement;
  readonly #version: SqliteStatement;
  readonly #delete: SqliteStatement;
  readonly #lastOfPage: SqliteStatement;
  readonly #deleteMany: SqliteStatement;
  readonly #deletedVersion: SqliteStatement;
  readonly #raiseDeletedVersion: SqliteStatement;

  constructor(database: SqliteDatabase, table: string) {
    // A temporary table of the owner of the handle may have the same name.
    const from = `main."${table}"`;
    this.#database = database;
    this.#from = from;
    this.#table = table;
    const range = `FROM ${from} WHERE position > ? AND position <= ? ORDER BY position LIMIT ${PAGE_SIZE}`;
    this.#page = prepare(database, `${SELECT}, position ${range}`);
    this.#lastPosition = prepare(database, `SELECT max(position) AS position FROM ${from}`);
    this.#put = prepare(
      database,
      `INSERT INTO ${from} (${NAMES.join(', ')}) VALUES (${NAMES.map(() => '?').join(', ')})
       ON CONFLICT (id) DO UPDATE SET ${NAMES.map((name) => `${name} = excluded.${name}`).join(', ')}`,
    );
    this.#version = prepare(database, `SELECT version FROM ${from} WHERE id = ?`);
    this.#delete = prepare(database, `DELETE FROM ${from} WHERE id = ?`);
    this.#lastOfPage = prepare(
      database,
      `SELECT max(position) AS position, max(version) AS version FROM (SELECT position, version ${range})`,
    );
    this.#deleteMany = prepare(
      database,
      `DELETE FROM ${from} WHERE position > ? AND position <= ?`,
    );
    this.#deletedVersion = prepare(
      database,
      `SELECT version FROM main."${DELETED_TABLE}" WHERE table_name = ?`,
    );
    this.#raiseDeletedVersion = prepare(
      database,
      `INSERT INTO main."${DELETED_TABLE}" (table_name, version) VALUES (?, ?)
       ON CONFLICT (table_name) DO UPDATE SET version = max(version, excluded.version)`,
    );
  }

  /** Every record that has the value of at least one of the keys: one statement, so one moment. */
  find(keys: readonly TokenKey[]): StoredRecord[] {
    const [first] = keys;
    if (first === undefined) return [];
    if (keys.length === 1) return this.#findBy(first.field).all(first.value).map(asRecord);
    const fields = keys.map((key) => key.field);
    return this.#findBy(...fields)
      .all(...keys.map((key) => key.value))
      .map(asRecord);
  }

  /** The next records in the order of their positions, after one position and up to another. */
  page(after: number, last: number): { records: StoredRecord[]; position: number | undefined } {
    const rows = this.#page.all(after, last) as PositionedRow[];
    return {
      position: rows.at(-1)?.position,
      records: rows.map(({ position: _, ...row }) => asRecord(row)),
    };
  }

  /** The position of the record that was added last, 0 where there is none. */
  lastPosition(): number {
    return positionIn(this.#lastPosition.get()) ?? 0;
  }

  /** Adds a record, or takes the place of the one with its id. */
  put(record: StoredRecord): void {
    this.#put.run(...COLUMNS.map(([, field]) => asValue(record[field])));
  }

  /** @param check may refuse, by the version of the record or `null` for none */
  delete(id: string, check: (record: { version: number } | null) => void): void {
    const row = this.#version.get(id) as { version: number } | undefined;
    check(row ?? null);
    if (row === undefined) return;
    this.#raiseDeletedVersion.run(this.#table, row.version);
    this.#delete.run(id);
  }

  /**
   * Removes the next records in the order of their positions, as many as a page has.
   *
   * @returns the position of the last one; `undefined` where there was none
   */
  deletePage(after: number, last: number): number | undefined {
    const row = this.#lastOfPage.get(after, last) as { version: number | null };
    const position = positionIn(row);
    if (position === undefined || row.version === null) return undefined;
    this.#raiseDeletedVersion.run(this.#table, row.version);
    this.#deleteMany.run(after, position);
    return position;
  }

  /** See `Decide` of core. */
  deletedVersion(): number {
    const row = this.#deletedVersion.get(this.#table) as { version: number } | undefined;
    return row?.version ?? 0;
  }

  #findBy(...fields: TokenKeyField[]): SqliteStatement {
    const name = fields.join();
    let statement = this.#finds.get(name);
    if (statement === undefined) {
      const condition = fields.map((field) => `${KEY_COLUMNS[field]} = ?`).join(' OR ');
      statement = prepare(this.#database, `${SELECT} FROM ${this.#from} WHERE ${condition}`);
      this.#finds.set(name, statement);
    }
    return statement;
  }
}

function asValue(value: StoredRecord[keyof StoredRecord]): SqliteValue {
  if (value == null) return null;
  return typeof value === 'object' ? JSON.stringify(value) : value;
}

/** The table is STRICT, so every column has the type that its field has; but for extra's JSON. */
function asRecord(row: unknown): StoredRecord {
  const record = row as StoredRecord & { extra: unknown };
  if (typeof record.extra !== 'string') return record;
  try {
    return { ...record, extra: JSON.parse(record.extra) };
  } catch {
    throw recordCorrupt(record.id, 'its column extra is not JSON');
  }
}
