import { BESIDE_RECORD, COLUMNS, KEYS } from './schema.ts';

/** What a record is read by: a row has the names of its fields. */
const RECORD: readonly string[] = COLUMNS.map(([column, field]) => `${column} AS ${field}`);

/** The same with what is needed to write over it. */
const FOR_SAVE: readonly string[] = [...RECORD, ...BESIDE_RECORD];

/** The columns that a save writes, beside the digest of the id. */
export const WRITTEN: readonly string[] = [...COLUMNS.map(([column]) => column), ...BESIDE_RECORD];

/** Statements. */
const MOST_KEPT = 500;

/** The statements for one table. Values are never in them: each is a `?`. */
export class Statements {
  readonly all: string;
  readonly deleteAll: string;
  readonly delete: string;
  readonly takeTurn: string;
  /** Adds a row, if no other has one of its keys. Values: the row, its id's digest, then its keys for the guard. */
  readonly insert: string;
  /** Tells of a row that another came to share a key with it. Values: id digest. */
  readonly join: string;
  /** Adds a row. Values: the row, its id's digest. */
  readonly insertBeside: string;
  readonly #from: string;
  readonly #finds = new Map<string, string>();
  readonly #findsForSave = new Map<string, string>();
  readonly #updates = new Map<string, string>();

  constructor(table: string) {
    const from = `\`${table}\``;
    this.#from = from;
    const places = WRITTEN.map(() => '?').join(', ');
    const holds = KEYS.map(([prefix]) => `${prefix}_digest = ?`).join(' OR ');
    this.all = `SELECT ${RECORD.join(', ')} FROM ${from} ORDER BY position`;
    this.delete = `DELETE FROM ${from} WHERE id_digest = ?`;
    this.deleteAll = `DELETE FROM ${from}`;
    this.join = `UPDATE ${from} SET joins = joins + 1 WHERE id_digest = ?`;
    this.takeTurn = `UPDATE \`${table}_lock\` SET turn = turn + 1 WHERE one = 1`;
    this.insertBeside = `INSERT INTO ${from} (${WRITTEN.join(', ')}, id_digest) VALUES (${places}, ?)`;
    this.insert = `INSERT INTO ${from} (${WRITTEN.join(', ')}, id_digest) SELECT ${places}, ? FROM DUAL
      WHERE NOT EXISTS (SELECT 1 FROM (SELECT 1 FROM ${from} WHERE ${holds} LIMIT 1) AS holder)`;
  }

  /** Reads the records that have one of some keys. Values: their digests. */
  find(keys: readonly string[]): string {
    return this.#select(this.#finds, RECORD, keys);
  }

  /** The same with what is needed to write over them. */
  findForSave(keys: readonly string[]): string {
    return this.#select(this.#findsForSave, FOR_SAVE, keys);
  }

  #select(made: Map<string, string>, columns: readonly string[], keys: readonly string[]): string {
    return once(made, keys.join(), () => {
      const where = keys.map((key) => `${key}_digest = ?`).join(' OR ');
      return `SELECT ${columns.join(', ')} FROM ${this.#from} WHERE ${where}`;
    });
  }

  /**
   * Changes columns of a row that is as it was, if no other has one of some keys. Values: those of
   * the columns, id digest, writer, joins, digests of the keys.
   */
  update(columns: readonly string[], keys: readonly string[]): string {
    return once(this.#updates, `${columns.join()} ${keys.join()}`, () => {
      const set = columns.map((column) => `${column} = ?`).join(', ');
      // Neither server reads a table that it writes to, but for a derived one which it has to make.
      const isFree = keys.map(
        (key) => `AND (SELECT slot FROM (
        SELECT MIN(${key}_slot) AS slot FROM ${this.#from} WHERE ${key}_digest = ?) AS ${key}_holder) IS NULL`,
      );
      return `UPDATE ${this.#from} SET ${set} WHERE id_digest = ? AND writer = ? AND joins = ? ${isFree.join(' ')}`;
    });
  }
}

/** The driver is faster with a string that it has seen than with its like. Few of all that could be are used. */
function once(made: Map<string, string>, name: string, make: () => string): string {
  let sql = made.get(name);
  if (sql === undefined) {
    if (made.size === MOST_KEPT) made.clear();
    sql = make();
    made.set(name, sql);
  }
  return sql;
}
