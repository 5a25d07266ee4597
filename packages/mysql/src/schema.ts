import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import type { TokenKeyField } from '@tokenkeep/core/adapter';
import type { Session } from './connections.ts';
import { isDoneAlready } from './errors.ts';

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
  ['issuer', 'issuer'],
  ['resource', 'resource'],
  ['lease', 'lease'],
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

/** The version of the schema that this package makes. */
const SCHEMA_VERSION = 2;

const TEXT = 'MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
const ASCII = 'CHARACTER SET ascii COLLATE ascii_bin';
/** Eight ids of 22 characters; a table of version 1 gave one of 36. */
const WRITE_IDS = `write_ids VARCHAR(200) ${ASCII} NOT NULL`;

/** Every column of the table, for telling ours from another's. */
const TABLE_COLUMNS: readonly string[] = [
  'position',
  ...COLUMNS.map(([column]) => column),
  'id_digest',
  ...KEYS.flatMap(([prefix]) => [`${prefix}_digest`, `${prefix}_slot`]),
  'write_ids',
  'joins',
];
const LOCK_COLUMNS: readonly string[] = ['one', 'schema_version', 'deleted_version'];

/** The same in version 1. */
const ADDED_COLUMNS: readonly string[] = ['issuer', 'resource', 'lease'];
const FORMER_TABLE_COLUMNS: readonly string[] = [
  ...TABLE_COLUMNS.filter((column) => column !== 'write_ids' && !ADDED_COLUMNS.includes(column)),
  'writer',
];
const FORMER_LOCK_COLUMNS: readonly string[] = ['one', 'schema_version', 'turn'];

/**
 * What makes the tables. A value can be 64 KiB, which no index takes, so records are looked up by
 * digests, in columns that compare exactly whatever the defaults of the server are.
 */
function createStatements(table: string): string[] {
  const columns = COLUMNS.map(([column, field]) => {
    if (field === 'version') return 'version BIGINT NOT NULL';
    if (field === 'expiresAt') return 'expiry_time BIGINT';
    return `${column} ${TEXT}${field === 'id' ? ' NOT NULL' : ''}`;
  });
  const keys = KEYS.flatMap(([prefix]) => [
    `${prefix}_digest CHAR(64) ${ASCII}`,
    `${prefix}_slot INT UNSIGNED`,
    `UNIQUE KEY ${prefix}_key (${prefix}_digest, ${prefix}_slot)`,
  ]);
  return [
    `CREATE TABLE IF NOT EXISTS \`${table}_lock\` (
      one TINYINT PRIMARY KEY, schema_version INT NOT NULL, deleted_version BIGINT NOT NULL
    ) ENGINE=InnoDB`,
    `INSERT IGNORE INTO \`${table}_lock\` VALUES (1, ${SCHEMA_VERSION}, 0)`,
    `CREATE TABLE IF NOT EXISTS \`${table}\` (
      position BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY,
      ${columns.join(',\n      ')},
      id_digest CHAR(64) ${ASCII} NOT NULL UNIQUE,
      ${keys.join(',\n      ')},
      ${WRITE_IDS},
      joins INT UNSIGNED NOT NULL
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
  ];
}

/** From version 1 to 2. An `ALTER TABLE` is done whole or not at all, and by one process only. */
function migrateTable(table: string): string[] {
  const added = ADDED_COLUMNS.map((column) => `ADD COLUMN ${column} ${TEXT}`).join(', ');
  return [`ALTER TABLE \`${table}\` CHANGE COLUMN writer ${WRITE_IDS}, ${added}`];
}

/** Then this; nobody uses the tables before the last of it is done. */
function migrateLock(table: string): string[] {
  return [
    // Version 1 forgot, where it saved a shared record, that others had come to share it.
    ...KEYS.map(
      ([prefix]) => `UPDATE \`${table}\` AS other JOIN \`${table}\` AS held
        ON held.${prefix}_digest = other.${prefix}_digest AND held.${prefix}_slot = 0
        SET held.joins = held.joins + 1 WHERE other.${prefix}_slot > 0`,
    ),
    `ALTER TABLE \`${table}_lock\` DROP COLUMN turn, ADD COLUMN deleted_version BIGINT NOT NULL DEFAULT 0`,
    `UPDATE \`${table}_lock\` SET schema_version = 2 WHERE schema_version = 1`,
  ];
}

/**
 * Makes the tables where they are missing, and migrates those of version 1. Each step may be done
 * again, and by several processes at once; a process that stopped halfway is no hindrance.
 *
 * @throws TokenStoreError `SCHEMA_UNKNOWN`
 */
export async function ensureSchema(session: Session, table: string): Promise<void> {
  for (;;) {
    const steps = await missingSteps(session, table);
    if (steps.length === 0) return;
    try {
      for (const sql of steps) await session.queryUnlimited(sql);
    } catch (error) {
      if (!isDoneAlready(error)) throw error;
    }
  }
}

/** @throws TokenStoreError `SCHEMA_UNKNOWN` */
async function missingSteps(session: Session, table: string): Promise<string[]> {
  const columns = await columnsOf(session, table);
  const lockColumns = await columnsOf(session, `${table}_lock`);
  const isFormer = isSame(columns, FORMER_TABLE_COLUMNS);
  const isFormerLock = isSame(lockColumns, FORMER_LOCK_COLUMNS);
  if (lockColumns.length > 0 && !isFormerLock && !isSame(lockColumns, LOCK_COLUMNS)) {
    throw unknownSchema(`${table}_lock`, 'was not made by a token store of this version');
  }
  const isKnown = isFormer || isSame(columns, TABLE_COLUMNS);
  if (columns.length > 0 && (lockColumns.length === 0 || !isKnown)) {
    throw unknownSchema(table, 'was not made by a token store of this version');
  }
  if (lockColumns.length === 0) return createStatements(table);
  const [row] = await session.select(
    `SELECT schema_version AS version FROM \`${table}_lock\` WHERE one = 1`,
    [],
  );
  const version = row === undefined ? undefined : Number(row['version']);
  if (version === 1 || (version === undefined && isFormerLock)) {
    if (isFormer) return migrateTable(table);
    if (columns.length === 0) return createStatements(table).slice(2);
    return isFormerLock ? migrateLock(table) : migrateLock(table).slice(-1);
  }
  if (version !== undefined && (version !== SCHEMA_VERSION || isFormer || isFormerLock)) {
    throw unknownSchema(
      table,
      `has version ${version} of the schema, and this package knows ${SCHEMA_VERSION}`,
    );
  }
  return version === undefined || columns.length === 0 ? createStatements(table) : [];
}

async function columnsOf(session: Session, table: string): Promise<string[]> {
  const rows = await session.select(
    `SELECT column_name AS name FROM information_schema.columns
      WHERE table_schema = DATABASE() AND table_name = ?`,
    [table],
  );
  return rows.map(({ name }) => String(name));
}

function isSame(columns: readonly string[], known: readonly string[]): boolean {
  return columns.toSorted().join() === known.toSorted().join();
}

/** The error for a table that is not ours. */
function unknownSchema(table: string, problem: string): TokenStoreError {
  return new TokenStoreError(
    'SCHEMA_UNKNOWN',
    `The table ${JSON.stringify(table)} ${problem}. Name another with the option table, or upgrade this package if a newer one made it; it was left as it is.`,
  );
}
