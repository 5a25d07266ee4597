import { type DigestedKey, digestColumn, KEYS } from '@tokenkeep/core/adapter/server';
import { COLUMNS, type Names, WRITTEN } from './schema.ts';

type Fields = readonly Pick<DigestedKey, 'field'>[];

/** The columns of a record. */
export const RECORD: string = COLUMNS.map(({ name }) => name).join(', ');

/** The columns that tell which keys of a row others may have as well. */
const SHARING = [...KEYS.map(([prefix]) => `${prefix}_digest`), 'slots', 'joins'].join(', ');

/** Rows that are removed at once: few enough that others do not wait long for them. */
const BATCH = 1_000;

/** The statements for one table. */
export class Statements {
  /** Removes rows that nobody has locked. Values: the last position before, the last one. */
  readonly deleteBatch: string;
  /** What {@link delete} needs. Values: id digest. */
  readonly guard: string;
  /** Removes a row that is as it was. Values: id digest, write ids, joins. */
  readonly delete: string;
  /** Locks rows, in an order that all keep to, and gives their write ids and joins. Values: id digests. */
  readonly lock: string;
  /** Tells all records that have a key that another gets it too. Values: digest. By field. */
  readonly join: Readonly<Record<string, string>>;
  /** Values: a version. In a transaction it keeps all others waiting that begin with it. */
  readonly raiseDeletedVersion: string;
  /**
   * Gives slot 0 of keys whose holder has gone to another that has them. Values: digests. One for
   * each of {@link KEYS}.
   */
  readonly promote: readonly string[];
  readonly #table: string;
  readonly #state: string;

  constructor({ table, state }: Names) {
    this.#table = table;
    this.#state = state;
    this.deleteBatch = `DELETE FROM ${table} WHERE position = ANY (ARRAY(
      SELECT position FROM ${table} WHERE position > $1 AND position <= $2
      ORDER BY position LIMIT ${BATCH} FOR UPDATE SKIP LOCKED
    )) RETURNING position, version, ${SHARING}`;
    this.guard = `SELECT version, write_ids, joins::text FROM ${table} WHERE id_digest = $1`;
    this.delete = `DELETE FROM ${table} WHERE ${isUnchanged(1)} RETURNING ${SHARING}`;
    this.lock = `SELECT write_ids || joins::text AS state FROM ${table} WHERE id_digest = ANY ($1::bytea[]) ORDER BY position FOR UPDATE`;
    this.join = Object.fromEntries(
      KEYS.map(([prefix, field], place) => [
        field,
        `UPDATE ${table} SET joins[${place + 1}] = joins[${place + 1}] + 1 WHERE ${prefix}_digest = $1`,
      ]),
    );
    this.raiseDeletedVersion = `UPDATE ${state} SET deleted_version = greatest(deleted_version, $1)`;
    this.promote = KEYS.map(
      ([prefix], place) => `UPDATE ${table}
      SET slots[${place + 1}] = 0, joins[${place + 1}] = joins[${place + 1}] + 1
      WHERE slots[${place + 1}] > 0 AND position IN (
        SELECT DISTINCT ON (${prefix}_digest) position FROM ${table}
        WHERE ${prefix}_digest = ANY ($1::bytea[]) ORDER BY ${prefix}_digest, slots[${place + 1}])`,
    );
  }

  /** Finds the records that have one of some keys. Values: digests. */
  find(keys: Fields): string {
    return `SELECT ${RECORD} FROM ${this.#table} WHERE ${hasOneOf(keys, 1)}`;
  }

  /** Reads the records that have one of some keys, and the deleted version in any case. Values: digests. */
  read(keys: Fields): string {
    return `SELECT deleted_version, write_ids, slots, joins, ${RECORD}
      FROM ${this.#state} LEFT JOIN ${this.#table} ON ${hasOneOf(keys, 1)}`;
  }

  /** Changes a row that is as it was. Values: the row, those of {@link delete}, the digests. */
  update(mustBeFree: Fields): string {
    const set = WRITTEN.map(([column], at) => `${column} = $${at + 1}`).join(', ');
    const next = WRITTEN.length + 1;
    return `UPDATE ${this.#table} SET ${set} WHERE ${isUnchanged(next)} AND ${this.#nobodyHas(mustBeFree, next + 3)}`;
  }

  /**
   * Adds a row. Values: the row, the deleted version, the digests.
   *
   * @param checksVersion whether the deleted version must be as it was, and stay so until the end;
   *   else the values are without it
   */
  insert(mustBeFree: Fields, checksVersion: boolean): string {
    const names = WRITTEN.map(([column]) => column).join(', ');
    const values = WRITTEN.map(([, type], at) => `$${at + 1}::${type}`).join(', ');
    const next = WRITTEN.length + 1;
    const insert = `INSERT INTO ${this.#table} (${names}) SELECT ${values}`;
    if (!checksVersion) return `${insert} WHERE ${this.#nobodyHas(mustBeFree, next)}`;
    return `${insert} FROM ${this.#state}
      WHERE deleted_version = $${next} AND ${this.#nobodyHas(mustBeFree, next + 1)} FOR SHARE`;
  }

  /**
   * By this a key is refused that was taken before the statement began; by its unique slot, one that
   * is taken at the same time.
   */
  #nobodyHas(keys: Fields, from: number): string {
    // One by one: of several in one, the planner reads the whole table if it has no statistics yet.
    const free = keys.map(
      (key, at) => `NOT EXISTS (SELECT 1 FROM ${this.#table} WHERE ${hasOneOf([key], from + at)})`,
    );
    return ['true', ...free].join(' AND ');
  }
}

function isUnchanged(from: number): string {
  return `id_digest = $${from} AND write_ids = $${from + 1} AND joins = $${from + 2}`;
}

function hasOneOf(keys: Fields, from: number): string {
  return keys.map(({ field }, at) => `${digestColumn(field)} = $${from + at}`).join(' OR ');
}
