import { TokenStoreError } from '@tokenkeep/core';
import { type RecordColumn, recordColumns } from '@tokenkeep/core/adapter';
import { prepare, type SqliteDatabase } from './sqlite-database.ts';

/** Where it is kept which version of the schema each table has. */
const VERSIONS_TABLE = 'tokenkeep_schema';

/** Where the highest version of a record that was deleted or absorbed is kept, for each table (contract V1). */
export const DELETED_TABLE = 'tokenkeep_deleted';

/** The version of the schema that this package makes. */
export const SCHEMA_VERSION = 2;

/** The columns of a record; beside them is `position`. */
export const COLUMNS: readonly RecordColumn[] = recordColumns(
  { issuer: 2, resource: 2, lease: 2 },
  { expiresAt: 'expiry_time' },
);

const CONSTRAINTS: Readonly<Record<string, string>> = {
  id: 'NOT NULL UNIQUE',
  version: 'NOT NULL',
};

/**
 * What leads from one version of the schema to the next, oldest first. A migration that was
 * released is never changed: a new one goes behind it.
 */
const MIGRATIONS: readonly ((table: string) => string)[] = [
  // The names of indexes have a dot, which no table of ours can have: one is never in the other's
  // way. Only a user name may be had once only, and then once for each client (M4, C7).
  (table) => `
    CREATE TABLE main."${table}" (position INTEGER PRIMARY KEY, ${columnsSince(1).join(', ')}) STRICT;
    CREATE UNIQUE INDEX main."${table}.user_name" ON "${table}" (user_name, client_id) WHERE user_name IS NOT NULL;
    CREATE INDEX main."${table}.access_token" ON "${table}" (access_token) WHERE access_token IS NOT NULL;
    CREATE INDEX main."${table}.grant_token" ON "${table}" (grant_token) WHERE grant_token IS NOT NULL;
    CREATE INDEX main."${table}.refresh_token" ON "${table}" (refresh_token) WHERE refresh_token IS NOT NULL;
  `,
  // A user name may be had once for each client, issuer and resource (M2).
  (table) => `
    ${columnsSince(2)
      .map((column) => `ALTER TABLE main."${table}" ADD COLUMN ${column};`)
      .join(' ')}
    DROP INDEX main."${table}.user_name";
    CREATE UNIQUE INDEX main."${table}.user_name" ON "${table}" (user_name, client_id, ifnull(issuer, ''), ifnull(resource, '')) WHERE user_name IS NOT NULL;
    CREATE TABLE IF NOT EXISTS main."${DELETED_TABLE}" (table_name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
  `,
];

function columnsSince(version: number): string[] {
  return COLUMNS.filter(({ since }) => since === version).map(
    ({ name, isNumber }) => `${name} ${isNumber ? 'INTEGER' : 'TEXT'} ${CONSTRAINTS[name] ?? ''}`,
  );
}

/**
 * The version of the schema that a table has, 0 where there is no table. It changes nothing.
 *
 * @throws TokenStoreError `SCHEMA_UNKNOWN` if the table is not one of ours, or is newer
 */
export function readSchemaVersion(database: SqliteDatabase, table: string): number {
  const version = recordedVersion(database, table);
  const columns = columnsOf(database, table);
  if (columns === '') return 0;
  if (version > SCHEMA_VERSION) {
    throw unknownSchema(
      table,
      `has version ${version} of the schema, and this package knows ${SCHEMA_VERSION}. Upgrade @tokenkeep/sqlite`,
    );
  }
  const expected = COLUMNS.filter(({ since }) => since <= version).map(({ name }) => name);
  if (columns === [...expected, 'position'].toSorted().join()) return version;
  throw unknownSchema(
    table,
    "is another program's: give another name with the option table, or restore the columns that a token store gave it",
  );
}

/**
 * Makes a table what this version needs. To be called inside an immediate transaction: another
 * process may have been faster (contract S2).
 */
export function migrate(database: SqliteDatabase, table: string): void {
  const version = readSchemaVersion(database, table);
  database.exec(
    `CREATE TABLE IF NOT EXISTS main."${VERSIONS_TABLE}" (table_name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT`,
  );
  for (const migration of MIGRATIONS.slice(version)) database.exec(migration(table));
  const record = `REPLACE INTO main."${VERSIONS_TABLE}" (table_name, version) VALUES (?, ?)`;
  prepare(database, record).run(table, SCHEMA_VERSION);
}

function recordedVersion(database: SqliteDatabase, table: string): number {
  const columns = columnsOf(database, VERSIONS_TABLE);
  if (columns === '') return 0;
  if (columns !== 'table_name,version') {
    throw unknownSchema(VERSIONS_TABLE, "is another program's: use another database");
  }
  const select = `SELECT version FROM main."${VERSIONS_TABLE}" WHERE table_name = ?`;
  const row = prepare(database, select).get(table) as { version: number } | undefined;
  return row?.version ?? 0;
}

/** The names of a table's columns, or a view's, sorted; empty where there is no such table. */
function columnsOf(database: SqliteDatabase, table: string): string {
  const select = `SELECT name FROM pragma_table_info(?, 'main') ORDER BY name`;
  const rows = prepare(database, select).all(table) as { name: string }[];
  return rows.map(({ name }) => name).join();
}

function unknownSchema(table: string, problem: string): TokenStoreError {
  return new TokenStoreError(
    'SCHEMA_UNKNOWN',
    `The table ${JSON.stringify(table)} ${problem}. It was left as it is.`,
  );
}
