import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import { prepare, type SqliteDatabase } from './sqlite-database.ts';

/** Where it is kept which version of the schema each table has. */
const VERSIONS_TABLE = 'tokenkeep_schema';

/** Where the highest version of a record that was deleted or absorbed is kept, for each table (contract V1). */
export const DELETED_TABLE = 'tokenkeep_deleted';

/** The columns beside the one for the order, and what they are in a record. */
export const COLUMNS: readonly (readonly [column: string, field: keyof StoredRecord])[] = [
  ['id', 'id'],
  ['user_name', 'userName'],
  ['client_id', 'clientId'],
  ['client_secret', 'clientSecret'],
  ['refresh_token', 'refreshToken'],
  ['access_token', 'accessToken'],
  ['grant_token', 'grantToken'],
  ['expiry_time', 'expiresAt'],
  ['redirect_url', 'redirectUrl'],
  ['api_domain', 'apiDomain'],
  ['scope', 'scope'],
  ['token_type', 'tokenType'],
  ['issuer', 'issuer'],
  ['resource', 'resource'],
  ['lease', 'lease'],
  ['version', 'version'],
  ['extra', 'extra'],
];

/**
 * What leads from one version of the schema to the next, oldest first. A migration that was
 * released is never changed: a new one goes behind it.
 */
const MIGRATIONS: readonly ((table: string) => string)[] = [
  // The names of indexes have a dot, which no table of ours can have: one is never in the other's
  // way. Only a user name may be had once only, and then once for each client (M4, C7).
  (table) => `
    CREATE TABLE main."${table}" (
      position INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      user_name TEXT,
      client_id TEXT,
      client_secret TEXT,
      refresh_token TEXT,
      access_token TEXT,
      grant_token TEXT,
      expiry_time INTEGER,
      redirect_url TEXT,
      api_domain TEXT,
      scope TEXT,
      token_type TEXT,
      version INTEGER NOT NULL,
      extra TEXT
    ) STRICT;
    CREATE UNIQUE INDEX main."${table}.user_name" ON "${table}" (user_name, client_id) WHERE user_name IS NOT NULL;
    CREATE INDEX main."${table}.access_token" ON "${table}" (access_token) WHERE access_token IS NOT NULL;
    CREATE INDEX main."${table}.grant_token" ON "${table}" (grant_token) WHERE grant_token IS NOT NULL;
    CREATE INDEX main."${table}.refresh_token" ON "${table}" (refresh_token) WHERE refresh_token IS NOT NULL;
  `,
  // A user name may be had once for each client, issuer and resource (M2).
  (table) => `
    ${addColumns(table, ADDED_COLUMNS[0])}
    DROP INDEX main."${table}.user_name";
    CREATE UNIQUE INDEX main."${table}.user_name" ON "${table}" (user_name, client_id, ifnull(issuer, ''), ifnull(resource, '')) WHERE user_name IS NOT NULL;
    CREATE TABLE IF NOT EXISTS main."${DELETED_TABLE}" (table_name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT;
  `,
];

/** The columns that each migration after the first one adds. */
const ADDED_COLUMNS: readonly (readonly string[])[] = [['issuer', 'resource', 'lease']];

/** The version of the schema that this package makes. */
export const SCHEMA_VERSION: number = MIGRATIONS.length;

function addColumns(table: string, columns: readonly string[] = []): string {
  return columns
    .map((column) => `ALTER TABLE main."${table}" ADD COLUMN ${column} TEXT;`)
    .join('\n    ');
}

/**
 * The version of the schema that a table has, 0 where there is no table. It changes nothing.
 *
 * @throws TokenStoreError `SCHEMA_UNKNOWN` if the table is not one of ours, or is newer
 */
export function readSchemaVersion(database: SqliteDatabase, table: string): number {
  const exists = columnsOf(database, table).length > 0;
  const recorded = recordedVersion(database, table);
  if (exists && recorded === undefined) {
    throw unknownSchema(table, "is another program's: give another name with the option table");
  }
  if (!exists || recorded === undefined) return 0;
  if (recorded > SCHEMA_VERSION) {
    throw unknownSchema(
      table,
      `has version ${recorded} of the schema, and this package knows ${SCHEMA_VERSION}. Upgrade @tokenkeep/sqlite`,
    );
  }
  const added = ADDED_COLUMNS.slice(recorded - 1).flat();
  const columns = ['position', ...COLUMNS.map(([column]) => column)];
  if (
    !hasColumns(
      database,
      table,
      columns.filter((column) => !added.includes(column)),
    )
  ) {
    throw unknownSchema(
      table,
      'has other columns than a token store gave it. Restore it from a backup, or give another name with the option table',
    );
  }
  return recorded;
}

/** Whether nothing is in the database yet. */
export function isEmpty(database: SqliteDatabase): boolean {
  return prepare(database, 'SELECT name FROM main.sqlite_master LIMIT 1').get() === undefined;
}

/**
 * Makes a table what this version needs. To be called inside an immediate transaction: another
 * process may have been faster (contract S2).
 */
export function migrate(database: SqliteDatabase, table: string): void {
  const version = readSchemaVersion(database, table);
  if (version === SCHEMA_VERSION) return;
  database.exec(
    `CREATE TABLE IF NOT EXISTS main."${VERSIONS_TABLE}" (table_name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT`,
  );
  for (const migration of MIGRATIONS.slice(version)) database.exec(migration(table));
  prepare(
    database,
    `INSERT INTO main."${VERSIONS_TABLE}" (table_name, version) VALUES (?, ?)
     ON CONFLICT (table_name) DO UPDATE SET version = excluded.version`,
  ).run(table, SCHEMA_VERSION);
}

function recordedVersion(database: SqliteDatabase, table: string): number | undefined {
  const columns = columnsOf(database, VERSIONS_TABLE);
  if (columns.length === 0) return undefined;
  if (!hasColumns(database, VERSIONS_TABLE, ['table_name', 'version'])) {
    throw unknownSchema(VERSIONS_TABLE, "is another program's: use another database");
  }
  const row = prepare(
    database,
    `SELECT version FROM main."${VERSIONS_TABLE}" WHERE table_name = ?`,
  ).get(table);
  return row === undefined ? undefined : Number((row as { version: unknown }).version);
}

function hasColumns(database: SqliteDatabase, table: string, expected: readonly string[]): boolean {
  return columnsOf(database, table).toSorted().join() === expected.toSorted().join();
}

/** The names of a table's columns, a view's too; none where there is no such table. */
function columnsOf(database: SqliteDatabase, table: string): string[] {
  const rows = prepare(database, `SELECT name FROM pragma_table_info(?, 'main')`).all(table);
  return rows.map((row) => String((row as { name: unknown }).name));
}

function unknownSchema(table: string, problem: string): TokenStoreError {
  return new TokenStoreError(
    'SCHEMA_UNKNOWN',
    `The table ${JSON.stringify(table)} ${problem}. It was left as it is.`,
  );
}
