import type { StoredRecord } from '@tokenkeep/core';
import { recordCorrupt, type TokenKey, type TokenKeyField } from '@tokenkeep/core/adapter';
import { COLUMNS } from './schema.ts';
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

/** The records in one table, and the statements for them, each prepared once. */
export class OpenedTable {
  readonly #database: SqliteDatabase;
  readonly #from: string;
  readonly #finds = new Map<string, SqliteStatement>();
  readonly #all: SqliteStatement;
  readonly #put: SqliteStatement;
  readonly #delete: SqliteStatement;
  readonly #clear: SqliteStatement;

  constructor(database: SqliteDatabase, table: string) {
    // A temporary table of the owner of the handle may have the same name.
    const from = `main."${table}"`;
    this.#database = database;
    this.#from = from;
    this.#all = prepare(database, `${SELECT} FROM ${from} ORDER BY position`);
    this.#put = prepare(
      database,
      `INSERT INTO ${from} (${NAMES.join(', ')}) VALUES (${NAMES.map(() => '?').join(', ')})
       ON CONFLICT (id) DO UPDATE SET ${NAMES.map((name) => `${name} = excluded.${name}`).join(', ')}`,
    );
    this.#delete = prepare(database, `DELETE FROM ${from} WHERE id = ?`);
    this.#clear = prepare(database, `DELETE FROM ${from}`);
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

  all(): StoredRecord[] {
    return this.#all.all().map(asRecord);
  }

  /** Adds a record, or takes the place of the one with its id. */
  put(record: StoredRecord): void {
    this.#put.run(...COLUMNS.map(([, field]) => asValue(record[field])));
  }

  delete(id: string): void {
    this.#delete.run(id);
  }

  clear(): void {
    this.#clear.run();
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
