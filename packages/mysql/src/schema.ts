import { type StoredRecord, TokenStoreError } from '@tokenkeep/core';
import type { TokenKeyField } from '@tokenkeep/core/adapter';
import type { Send } from '@tokenkeep/core/adapter/server';
import { isDoneAlready, isLostRace } from './errors.ts';

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

/** The columns that version 2 of the schema added; in place of `write_ids`, version 1 had `writer`. */
const ADDED = ['issuer', 'resource', 'lease'];
const NAMES = [
  ...COLUMNS.map(([column]) => column),
  ...KEYS.flatMap(([prefix]) => [`${prefix}_digest`, `${prefix}_slot`]),
  ...['position', 'id_digest', 'joins'],
];
const TABLE = namesOf([...NAMES, 'write_ids']);
const TABLE_1 = namesOf([...NAMES.filter((name) => !ADDED.includes(name)), 'writer']);
const LOCK = namesOf(['one', 'schema_version', 'deleted_version']);
const LOCK_1 = namesOf(['one', 'schema_version', 'turn']);

const TEXT = 'MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin';
const ASCII = 'CHARACTER SET ascii COLLATE ascii_bin';
/** Eight ids of 22 characters; version 1 gave one of 36. */
const WRITE_IDS = `write_ids VARCHAR(200) ${ASCII} NOT NULL`;

/**
 * What makes the tables. A value can be 64 KiB, which no index takes, so records are looked up by
 * digests, in columns that compare exactly whatever the defaults of the server are.
 */
function createStatements(table: string): string[] {
  const columns = COLUMNS.map(([column, field]) => {
    if (field === 'version' || field === 'expiresAt') return `${column} BIGINT`;
    return `${column} ${TEXT}`;
  });
  const keys = KEYS.map(
    ([prefix]) => `${prefix}_digest CHAR(64) ${ASCII}, ${prefix}_slot INT UNSIGNED,
      UNIQUE KEY ${prefix}_key (${prefix}_digest, ${prefix}_slot)`,
  );
  return [
    `CREATE TABLE IF NOT EXISTS \`${table}_lock\` (
      one TINYINT PRIMARY KEY, schema_version INT NOT NULL, deleted_version BIGINT NOT NULL
    ) ENGINE=InnoDB`,
    `INSERT IGNORE INTO \`${table}_lock\` VALUES (1, 2, 0)`,
    `CREATE TABLE IF NOT EXISTS \`${table}\` (
      position BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, ${columns},
      id_digest CHAR(64) ${ASCII} NOT NULL UNIQUE, ${keys},
      ${WRITE_IDS}, joins INT UNSIGNED NOT NULL
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
  ];
}

/** From version 1 to 2: an `ALTER TABLE` is done whole or not at all. */
function migrateTable(table: string): string {
  const added = ADDED.map((column) => `ADD COLUMN ${column} ${TEXT}`).join();
  return `ALTER TABLE \`${table}\` CHANGE COLUMN writer ${WRITE_IDS}, ${added}`;
}

function migrateLock(table: string): string[] {
  return [
    // Version 1 forgot, where it saved a shared record, that others had come to share it.
    ...KEYS.map(
      ([prefix]) => `UPDATE \`${table}\` AS other JOIN \`${table}\` AS held
        ON held.${prefix}_digest = other.${prefix}_digest AND held.${prefix}_slot = 0
        SET held.joins = held.joins + 1 WHERE other.${prefix}_slot > 0`,
    ),
    `ALTER TABLE \`${table}_lock\` DROP COLUMN turn, ADD COLUMN deleted_version BIGINT NOT NULL DEFAULT 0`,
  ];
}

/**
 * Makes the tables where they are missing, and migrates those of version 1. Each step may be done
 * again, and by several processes at once; nobody uses the tables before the last one is done.
 *
 * @throws TokenStoreError `SCHEMA_UNKNOWN`
 */
export async function ensureSchema(send: Send, table: string): Promise<void> {
  for (;;) {
    const names = await namesIn(send, table);
    const lockNames = await namesIn(send, `${table}_lock`);
    const sql = `SELECT schema_version AS version FROM \`${table}_lock\``;
    const isOurs =
      ['', TABLE, TABLE_1].includes(names) &&
      (lockNames === '' ? names === '' : [LOCK, LOCK_1].includes(lockNames));
    const [row] = isOurs && lockNames !== '' ? (await send(sql)).rows : [];
    const version = Number(row?.['version'] ?? 1);
    if (!isOurs || version > 2) throw unknownSchema(table);
    if (names === TABLE && lockNames === LOCK && version === 2) return;
    try {
      if (names === TABLE_1) await send(migrateTable(table));
      for (const step of createStatements(table)) await send(step);
      if (lockNames === LOCK_1) {
        for (const step of migrateLock(table)) await send(step);
      }
      await send(`UPDATE \`${table}_lock\` SET schema_version = 2 WHERE schema_version = 1`);
    } catch (error) {
      if (!isDoneAlready(error) && !isLostRace(error)) throw error;
    }
  }
}

async function namesIn(send: Send, table: string): Promise<string> {
  const sql = `SELECT column_name AS name FROM information_schema.columns
    WHERE table_schema = DATABASE() AND table_name = ?`;
  return namesOf((await send(sql, [table])).rows.map(({ name }) => String(name)));
}

function namesOf(columns: readonly string[]): string {
  return columns.toSorted().join();
}

/** The error for tables that are not ours. */
function unknownSchema(table: string): TokenStoreError {
  return new TokenStoreError(
    'SCHEMA_UNKNOWN',
    `The table "${table}" or "${table}_lock" was not made by a token store of this version. Name another with the option table, or upgrade this package if a newer one made it; it was left as it is.`,
  );
}
