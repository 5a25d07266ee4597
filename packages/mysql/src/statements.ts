import { COLUMNS, KEYS } from './schema.ts';

const NAMES: readonly string[] = [
  ...COLUMNS.map(([column]) => column),
  ...KEYS.flatMap(([prefix]) => [`${prefix}_digest`, `${prefix}_slot`]),
  'writer',
];

/** The statements for one table. Values are never in them: each is a `?`. */
export class Statements {
  readonly all: string;
  readonly deleteAll: string;
  readonly delete: string;
  readonly takeTurn: string;
  /** Adds a row, if no other has one of its keys. Values: the row, its id's digest, then its keys for the guard. */
  readonly insert: string;
  /** Adds a row. Values: the row, its id's digest. */
  readonly insertBeside: string;
  /** Changes a row that still has a version, if no other has one of its keys. Values: the row, id digest, version, id digest, keys. */
  readonly update: string;
  /** Changes a row that still has a version. Values: the row, id digest, version. */
  readonly updateBeside: string;
  readonly #select: string;

  constructor(table: string) {
    const from = `\`${table}\``;
    const places = NAMES.map(() => '?').join(', ');
    const set = NAMES.map((name) => `${name} = ?`).join(', ');
    const holds = KEYS.map(([prefix]) => `${prefix}_digest = ?`).join(' OR ');
    this.#select = `SELECT ${NAMES.join(', ')} FROM ${from}`;
    this.all = `${this.#select} ORDER BY position`;
    this.delete = `DELETE FROM ${from} WHERE id_digest = ?`;
    this.deleteAll = `DELETE FROM ${from}`;
    this.takeTurn = `UPDATE \`${table}_lock\` SET turn = turn + 1 WHERE one = 1`;
    this.insertBeside = `INSERT INTO ${from} (${NAMES.join(', ')}, id_digest) VALUES (${places}, ?)`;
    this.insert = `INSERT INTO ${from} (${NAMES.join(', ')}, id_digest) SELECT ${places}, ? FROM DUAL
      WHERE NOT EXISTS (SELECT 1 FROM (SELECT 1 FROM ${from} WHERE ${holds} LIMIT 1) AS holder)`;
    this.updateBeside = `UPDATE ${from} SET ${set} WHERE id_digest = ? AND version = ?`;
    // The inner LIMIT makes both servers read the table before they write to it.
    this.update = `${this.updateBeside}
      AND NOT EXISTS (SELECT 1 FROM (SELECT 1 FROM ${from} WHERE id_digest <> ? AND (${holds}) LIMIT 1) AS holder)`;
  }

  /** Reads the rows that have one of some keys. Values: their digests. */
  find(columns: readonly string[]): string {
    return `${this.#select} WHERE ${columns.map((column) => `${column} = ?`).join(' OR ')}`;
  }
}
