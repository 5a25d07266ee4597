import { TokenStoreError } from '@tokenkeep/core';
import { type RecordColumn, recordColumns } from '@tokenkeep/core/adapter';
import { KEYS, type Send } from '@tokenkeep/core/adapter/server';
import { isDoneAlready, isLostRace } from './errors.ts';

/** The columns of a record. */
export const COLUMNS: readonly RecordColumn[] = recordColumns(
  { issuer: 2, resource: 2, lease: 2 },
  { expiresAt: 'expiry_time' },
);

/** The version of the schema that this package makes. */
const SCHEMA_VERSION = 2;

/** The columns that a table of each version has, oldest first. */
const TABLES = Array.from({ length: SCHEMA_VERSION }, (_, place) =>
  namesOf([
    ...COLUMNS.filter(({ since }) => since <= place + 1).map(({ name }) => name),
    ...KEYS.flatMap(([prefix]) => [`${prefix}_digest`, `${prefix}_slot`]),
    ...['position', 'id_digest', 'joins', place === 0 ? 'writer' : 'write_ids'],
  ]),
);
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
  const keys = KEYS.map(
    ([prefix]) => `${prefix}_digest CHAR(64) ${ASCII}, ${prefix}_slot INT UNSIGNED,
      UNIQUE KEY ${prefix}_key (${prefix}_digest, ${prefix}_slot)`,
  );
  return [
    `CREATE TABLE IF NOT EXISTS \`${table}_lock\` (
      one TINYINT PRIMARY KEY, schema_version INT NOT NULL, deleted_version BIGINT NOT NULL
    ) ENGINE=InnoDB`,
    `INSERT IGNORE INTO \`${table}_lock\` VALUES (1, ${SCHEMA_VERSION}, 0)`,
    `CREATE TABLE IF NOT EXISTS \`${table}\` (
      position BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, ${COLUMNS.map(definitionOf)},
      id_digest CHAR(64) ${ASCII} NOT NULL UNIQUE, ${keys},
      ${WRITE_IDS}, joins INT UNSIGNED NOT NULL
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC`,
  ];
}

function definitionOf({ name, isNumber }: RecordColumn): string {
  return `${name} ${isNumber ? 'BIGINT' : TEXT}`;
}

/** From an older version to this one: an `ALTER TABLE` is done whole or not at all. */
function migrateTable(table: string, version: number): string {
  const steps = COLUMNS.filter(({ since }) => since > version).map(
    (column) => `ADD COLUMN ${definitionOf(column)}`,
  );
  if (version === 1) steps.push(`CHANGE COLUMN writer ${WRITE_IDS}`);
  return `ALTER TABLE \`${table}\` ${steps}`;
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
 * Makes the tables where they are missing, and migrates those of older versions. Each step may be done
 * again, and by several processes at once; nobody uses the tables before the last one is done.
 *
 * @throws TokenStoreError `SCHEMA_UNKNOWN`
 */
export async function ensureSchema(send: Send, table: string): Promise<void> {
  for (;;) {
    const names = await namesIn(send, table);
    const lockNames = await namesIn(send, `${table}_lock`);
    const sql = `SELECT schema_version AS version FROM \`${table}_lock\``;
    const version = TABLES.indexOf(names) + 1;
    const isOurs =
      (names === '' || version > 0) &&
      (lockNames === '' ? names === '' : [LOCK, LOCK_1].includes(lockNames));
    const [row] = isOurs && lockNames !== '' ? (await send(sql)).rows : [];
    const recorded = Number(row?.['version'] ?? 1);
    if (!isOurs || recorded > SCHEMA_VERSION) throw unknownSchema(table);
    const isNew = version === SCHEMA_VERSION && lockNames === LOCK;
    if (isNew && recorded === SCHEMA_VERSION) return;
    try {
      if (version > 0 && version < SCHEMA_VERSION) await send(migrateTable(table, version));
      for (const step of createStatements(table)) await send(step);
      if (lockNames === LOCK_1) {
        for (const step of migrateLock(table)) await send(step);
      }
      await send(
        `UPDATE \`${table}_lock\` SET schema_version = ${SCHEMA_VERSION} WHERE schema_version < ${SCHEMA_VERSION}`,
      );
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
