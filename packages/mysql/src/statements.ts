import type { TokenKeyField } from '@tokenkeep/core/adapter';
import type { DigestedKey } from '@tokenkeep/core/adapter/server';
import { COLUMNS, KEYS } from './schema.ts';

type Fields = readonly Pick<DigestedKey, 'field'>[];

/** What a record is read by: a row has the names of its fields. */
const RECORD: string = COLUMNS.map(([column, field]) => `${column} AS ${field}`).join(', ');

/** The same with what a commit needs. */
const ENTRY: string = [
  RECORD,
  ...KEYS.map(([prefix]) => `${prefix}_slot`),
  'write_ids',
  'joins',
].join(', ');

/** The columns that each save writes. */
const WRITTEN: readonly string[] = [
  ...COLUMNS.map(([column]) => column),
  ...KEYS.flatMap(([prefix]) => [`${prefix}_digest`, `${prefix}_slot`]),
  'id_digest',
  'write_ids',
];

/** Rows. Few enough that neither the event loop nor another's save waits long for them. */
const PAGE = 200;

const IS_UNCHANGED = 'id_digest = ? AND write_ids = ? AND joins = ?';

/**
 * The statements for one table. Each value is a `?`, so that there are few different texts: a server
 * keeps 16,382 prepared ones at most, for all its connections.
 */
export class Statements {
  /** Values: the last position before. */
  readonly page: string;
  readonly lastPosition: string;
  /** Values: the last position before, the last one. */
  readonly positions: string;
  /** The same, and locks those that nobody else has locked. */
  readonly lockBatch: string;
  /** Values: id digest. */
  readonly version: string;
  /** Values: id digest, version. */
  readonly delete: string;
  /** Values: id digest, write ids, joins. */
  readonly lockUnchanged: string;
  /** Values: id digest. */
  readonly join: string;
  readonly deletedVersion: string;
  /** Values: a version. In a transaction it keeps all others waiting that begin with it. */
  readonly raiseDeletedVersion: string;
  readonly #table: string;
  readonly #lock: string;

  constructor(table: string) {
    const rows = `\`${table}\``;
    const lock = `\`${table}_lock\``;
    const batch = `FROM ${rows} WHERE position > ? AND position <= ? ORDER BY position LIMIT`;
    this.#table = rows;
    this.#lock = lock;
    this.page = `SELECT position, ${RECORD} FROM ${rows} WHERE position > ? ORDER BY position LIMIT ${PAGE}`;
    this.lastPosition = `SELECT MAX(position) AS position FROM ${rows}`;
    this.positions = `SELECT position ${batch} 1`;
    this.lockBatch = `SELECT position, version ${batch} ${PAGE} FOR UPDATE SKIP LOCKED`;
    this.version = `SELECT version FROM ${rows} WHERE id_digest = ?`;
    this.delete = `DELETE FROM ${rows} WHERE id_digest = ? AND version = ?`;
    this.lockUnchanged = `SELECT 1 FROM ${rows} WHERE ${IS_UNCHANGED} FOR UPDATE`;
    this.join = `UPDATE ${rows} SET joins = joins + 1 WHERE id_digest = ?`;
    this.deletedVersion = `SELECT deleted_version AS version FROM ${lock} WHERE one = 1`;
    this.raiseDeletedVersion = `UPDATE ${lock} SET deleted_version = GREATEST(deleted_version, ?) WHERE one = 1`;
  }

  /** Reads the records that have one of some keys. Values: their digests. */
  find(keys: Fields): string {
    return `SELECT ${RECORD} FROM ${this.#table} WHERE ${hasOneOf(keys)}`;
  }

  /** The same with what is needed to write over them. */
  read(keys: Fields): string {
    return `SELECT ${ENTRY} FROM ${this.#table} WHERE ${hasOneOf(keys)}`;
  }

  /** Changes a row that is as it was. Values: the row, those of {@link lockUnchanged}, the digests. */
  update(mustBeFree: Fields): string {
    const set = WRITTEN.map((column) => `${column} = ?`).join(', ');
    return `UPDATE ${this.#table} SET ${set} WHERE ${IS_UNCHANGED} AND ${this.#nobodyHas(mustBeFree)}`;
  }

  /**
   * Adds a row. Values: the row, the deleted version, the digests.
   *
   * @param checksVersion whether the deleted version must be as it was, and stay so until the end;
   *   else the values are without it
   */
  insert(mustBeFree: Fields, checksVersion: boolean): string {
    const places = WRITTEN.map(() => '?').join(', ');
    const [from, isSo, lock] = checksVersion
      ? [this.#lock, 'one = 1 AND deleted_version = ?', 'LOCK IN SHARE MODE']
      : ['DUAL', 'TRUE', ''];
    return `INSERT INTO ${this.#table} (${WRITTEN.join(', ')}, joins)
      SELECT ${places}, 0 FROM ${from} WHERE ${isSo} AND ${this.#nobodyHas(mustBeFree)} ${lock}`;
  }

  /** Deletes rows by their positions, which no two batches have alike: not to be prepared. */
  deleteBatch(positions: readonly number[]): string {
    return `DELETE FROM ${this.#table} WHERE position IN (${positions.join(', ')})`;
  }

  /**
   * By this a key is refused that was taken before the statement began; by its unique slot, one that
   * is taken at the same time.
   */
  #nobodyHas(keys: Fields): string {
    if (keys.length === 0) return 'TRUE';
    // Neither server reads a table that it writes to, but for a derived one which it has to make.
    return `NOT EXISTS (SELECT 1 FROM (
      SELECT 1 FROM ${this.#table} WHERE ${hasOneOf(keys)} LIMIT 1) AS holder)`;
  }
}

function hasOneOf(keys: Fields): string {
  return keys.map(({ field }) => `${prefixOf(field)}_digest = ?`).join(' OR ');
}

/** What the columns of a key begin with. */
function prefixOf(field: TokenKeyField): string {
  return KEYS.find(([, name]) => name === field)?.[0] ?? 'id';
}
