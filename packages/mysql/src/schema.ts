import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import type { TokenKeyField } from '@tokenkeep/core/adapter';
import type { Session } from './connections.ts';

/** The columns that hold a record, and what they are in it. */
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
  ['version', 'version'],
  ['extra', 'extra'],
];

/** What a record can be found by besides its id, and what its columns for that begin with. */
export const KEYS: readonly (readonly [prefix: string, field: Exclude<TokenKeyField, 'id'>])[] = [
  ['user', 'userName'],
  ['access', 'accessToken'],
  ['grant', 'grantToken'],
  ['refresh', 'refreshToken'],
];

/** The columns that a save writes beside those of the record. */
export const BESIDE_RECORD: readonly string[] = [
  ...KEYS.flatMap(([prefix]) => [`${prefix}_digest`, `${prefix}_slot`]),
  'writer',
  'joins',
];

/** The version of the schema that this package makes. */
const SCHEMA_VERSION = 1;

/** Every column of the table, for telling ours from another's. */
const ALL_COLUMNS: readonly string[] = [
  'position',
  ...COLUMNS.map(([column]) => column),
  'id_digest',
  ...BESIDE_RECORD,
];

/**
 * What makes the tables. A value can be 64 KiB, which no index takes, so records are looked up by
 * digests, in columns that compare exactly whatever the defaults of the server are.
 */
function createStatements(table: string): readonly string[] {
  const text = 'MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
  const digest = 'CHAR(64) CHARACTER SET ascii COLLATE ascii_bin';
  const columns = COLUMNS.map(([column, field]) => {
    if (field === 'version') return 'version BIGINT NOT NULL';
    if (field === 'expiresAt') return 'expiry_time BIGINT';
    return `${column} ${text}${field === 'id' ? ' NOT NULL' : ''}`;
  });
  const keys = KEYS.flatMap(([prefix]) => [
    `${prefix}_digest ${digest}`,
    `${prefix}_slot INT UNSIGNED`,
    `UNIQUE KEY ${prefix}_key (${prefix}_digest, ${prefix}_slot)`,
  ]);
  return [
    `CREATE TABLE IF NOT EXISTS \`${table}_lock\` (
      one TINYINT PRIMARY KEY, schema_version INT NOT NULL, turn BIGINT NOT NULL
    ) ENGINE=InnoDB`,
    `INSERT IGNORE INTO \`${table}_lock\` (one, schema_version, turn) VALUES (1, ${SCHEMA_VERSION}, 0)`,
    `CREATE TABLE IF NOT EXISTS \`${table}\` (
      position BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
      ${columns.join(',\n      ')},
      id_digest ${digest} NOT NULL UNIQUE,
      ${keys.join(',\n      ')},
      writer CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
      joins INT UNSIGNED NOT NULL
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
  ];
}

/**
 * Makes the tables where they are missing; safe when several processes do so at once.
 *
 * @throws TokenStoreError `SCHEMA_UNKNOWN`
 */
export async function ensureSchema(session: Session, table: string): Promise<void> {
  if (await isKnown(session, table)) return;
  for (const sql of createStatements(table)) await session.query(sql);
  // Another process may have made another table meanwhile.
  await isKnown(session, table);
}

/** @throws TokenStoreError `SCHEMA_UNKNOWN` */
async function isKnown(session: Session, table: string): Promise<boolean> {
  const columns = await columnsOf(session, table);
  const lockColumns = await columnsOf(session, `${table}_lock`);
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
  const [row] = await session.select(sql, []);
  if (row === undefined) return false;
  const version = Number(row['version']);
  if (version === SCHEMA_VERSION) return true;
  throw unknownSchema(
    table,
    `has version ${version} of the schema, and this package knows ${SCHEMA_VERSION}`,
  );
}

async function columnsOf(session: Session, table: string): Promise<string[]> {
  const rows = await session.select(
    `SELECT column_name AS name FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name = ?`,
    [table],
  );
  return rows.map(({ name }) => String(name)).toSorted();
}

/** The error for a table that is not ours. */
function unknownSchema(table: string, problem: string): TokenStoreError {
  return new TokenStoreError(
    'SCHEMA_UNKNOWN',
    `The table ${JSON.stringify(table)} ${problem}. Name another with the option table, or upgrade; it was left as it is.`,
  );
}
