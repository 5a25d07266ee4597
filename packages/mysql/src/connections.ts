import { TokenStoreError } from '@tokenkeep/core';
import { invalidOption, loadDriver } from '@tokenkeep/core/adapter';
import { Deadline } from '@tokenkeep/core/adapter/server';
import { isGivenUp, isLostConnection } from './errors.ts';
import type { CheckedOptions, MysqlConnection, MysqlPool, MysqlValue } from './options.ts';

export type Row = Record<string, unknown>;

export async function select(
  connection: MysqlConnection,
  sql: string,
  values: readonly MysqlValue[],
): Promise<Row[]> {
  const [rows] = await connection.execute(sql, [...values]);
  if (!Array.isArray(rows)) throw new Error('the driver gave no rows');
  return rows;
}

/** @returns whether it changed a row */
export async function change(
  connection: MysqlConnection,
  sql: string,
  values: readonly MysqlValue[],
): Promise<boolean> {
  const [result] = await connection.execute(sql, [...values]);
  return Object(result).affectedRows > 0;
}

/** One more than a pool has connections, if nothing else is said. */
const MAX_ATTEMPTS = 11;

interface How {
  readonly isIdempotent?: boolean;
  readonly hasLimit?: boolean;
}
type Work<T> = (connection: MysqlConnection) => Promise<T>;

/** The pool of connections that a store speaks through: its own, or one that it was handed. */
export class Connections {
  readonly #options: CheckedOptions;
  readonly #deadline: Deadline;
  #pool: MysqlPool | undefined;
  #closePool: () => Promise<void> = async () => {};

  /** @throws TokenStoreError `INVALID_OPTION` */
  constructor(options: CheckedOptions) {
    this.#options = options;
    this.#deadline = new Deadline(options.timeout);
  }

  async open(): Promise<void> {
    this.#pool ??= this.#options.pool ?? (await this.#ownPool());
    await this.use(requirePlain, { isIdempotent: true });
  }

  async close(): Promise<void> {
    await this.#closePool();
  }

  /**
   * Lends a connection for one step. One that breaks, or takes too long, is destroyed: nothing more
   * is done on it. For idempotent work another is tried then, as all that were idle may have broken.
   */
  async use<T>(work: Work<T>, how: How = {}): Promise<T> {
    const { isIdempotent = false, hasLimit = true } = how;
    for (let attempts = isIdempotent ? MAX_ATTEMPTS : 1; ; attempts -= 1) {
      const connection = await this.#borrow();
      try {
        const doing = work(connection);
        const result = await (hasLimit ? this.#inTime(doing) : doing);
        connection.release();
        return result;
      } catch (error) {
        if (isGivenUp(error)) connection.destroy();
        else connection.release();
        if (attempts === 1 || !isLostConnection(error)) throw error;
      }
    }
  }

  /** Commits what the work did if it gives `true`, else rolls it back. */
  transaction(work: Work<boolean>): Promise<boolean> {
    return this.use(async (connection) => {
      await connection.query('START TRANSACTION');
      try {
        const isDone = await work(connection);
        await connection.query(isDone ? 'COMMIT' : 'ROLLBACK');
        return isDone;
      } catch (error) {
        // What began on a connection that is given up, the server rolls back.
        if (!isGivenUp(error)) await connection.query('ROLLBACK');
        throw error;
      }
    });
  }

  async #borrow(): Promise<MysqlConnection> {
    if (this.#pool === undefined) throw new Error('the store is not open');
    const coming = this.#pool.getConnection();
    try {
      return await this.#inTime(coming, 'had no free connection (connectionLimit), or ');
    } catch (error) {
      // One that comes too late goes back to the others.
      coming.then((late) => late.release()).catch(() => {});
      throw error;
    }
  }

  #inTime<T>(answer: Promise<T>, otherwise = ''): Promise<T> {
    const { timeout, server } = this.#options;
    const problem = `The server (${server}) ${otherwise}did not answer within ${timeout} ms.`;
    const advice = 'Try again; a save may or may not have happened.';
    return this.#deadline.for(answer, () => new TokenStoreError('TIMEOUT', `${problem} ${advice}`));
  }

  async #ownPool(): Promise<MysqlPool> {
    const { createPool } = await loadDriver('mysql2', () => import('mysql2/promise'));
    const pool = createPool(this.#options.poolOptions);
    // Goes before whatever the store sends on a new connection.
    pool.pool.on('connection', (connection) => {
      for (const setting of SETTINGS) {
        connection.query(setting, (error) => {
          if (error) connection.destroy();
        });
      }
    });
    this.#closePool = () => pool.end();
    return pool;
  }
}

/** A stricter isolation locks gaps, and saves of different users would wait for each other. */
const SETTINGS = [
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', SESSION autocommit = 1",
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
];

/**
 * A pool may be set up so that records would be damaged, or never be committed.
 *
 * @throws TokenStoreError `INVALID_OPTION`
 */
async function requirePlain(connection: MysqlConnection): Promise<void> {
  const sql = "SELECT '' AS text, @@autocommit AS autocommit, @@character_set_client AS charset";
  const { text, autocommit, charset } = { ...(await select(connection, sql, []))[0] };
  if (text !== '' || typeof charset !== 'string') {
    const problem =
      'or options has rowsAsArray, nestTables or a typeCast: rows must be plain objects';
    throw invalidOption('pool', problem);
  }
  if (charset !== 'utf8mb4' || Number(autocommit) !== 1) {
    throw invalidOption('pool', 'or options must use the charset utf8mb4, and autocommit');
  }
}
