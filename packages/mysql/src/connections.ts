import { TokenStoreError } from '@tokenkeep/core';
import { invalidOption } from '@tokenkeep/core/adapter';
import { Deadline } from '@tokenkeep/core/adapter/server';
import type { PoolOptions } from 'mysql2/promise';
import { isGivenUp, isLostConnection, noAnswer, noFreeConnection } from './errors.ts';
import type { CheckedOptions, MysqlConnection, MysqlPool, MysqlValue } from './options.ts';

type InTime = <T>(answer: Promise<T>) => Promise<T>;

/** A connection while it is used. */
export class Session {
  readonly #connection: MysqlConnection;
  readonly #inTime: InTime;

  constructor(connection: MysqlConnection, inTime: InTime) {
    this.#connection = connection;
    this.#inTime = inTime;
  }

  async select(sql: string, values: readonly MysqlValue[]): Promise<Record<string, unknown>[]> {
    const [rows] = await this.#inTime(this.#connection.execute(sql, [...values]));
    if (!Array.isArray(rows)) throw new Error('the driver gave no rows');
    return rows;
  }

  /** @returns whether it changed a row */
  async change(sql: string, values: readonly MysqlValue[]): Promise<boolean> {
    const [result] = await this.#inTime(this.#connection.execute(sql, [...values]));
    return (
      typeof result === 'object' &&
      result !== null &&
      'affectedRows' in result &&
      result.affectedRows !== 0
    );
  }

  /** For what is not to be prepared. */
  async query(sql: string): Promise<void> {
    await this.#inTime(this.#connection.query(sql));
  }

  /** For what takes as long as there are rows. */
  async queryUnlimited(sql: string): Promise<void> {
    await this.#connection.query(sql);
  }
}

/** Connections: as many as a pool has if nothing else is said. */
const MAX_BROKEN = 10;

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
    this.#pool ??= this.#options.pool ?? (await this.#ownPool(this.#options.poolOptions));
    await this.retry(requirePlain);
  }

  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.#useOnce(await this.#borrow(), work);
  }

  /** On another connection, if the first turns out to be broken: for idempotent work. */
  async retry<T>(work: (session: Session) => Promise<T>): Promise<T> {
    for (let broken = 1; ; broken += 1) {
      const connection = await this.#borrow();
      try {
        return await this.#useOnce(connection, work);
      } catch (error) {
        // All that were idle may have broken at once.
        if (broken > MAX_BROKEN || !isLostConnection(error)) throw error;
      }
    }
  }

  /**
   * Commits what the work did if it gives `true`, else rolls it back. A connection that is given up,
   * the server rolls back.
   */
  transaction(work: (session: Session) => Promise<boolean>): Promise<boolean> {
    return this.use(async (session) => {
      await session.query('START TRANSACTION');
      try {
        const isDone = await work(session);
        await session.query(isDone ? 'COMMIT' : 'ROLLBACK');
        return isDone;
      } catch (error) {
        if (!isGivenUp(error)) await session.query('ROLLBACK');
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await this.#closePool();
  }

  async #borrow(): Promise<MysqlConnection> {
    if (this.#pool === undefined) throw new Error('the store is not open');
    const { timeout, server } = this.#options;
    const coming = this.#pool.getConnection();
    return this.#deadline
      .for(coming, () => noFreeConnection(timeout, server))
      .catch((error: unknown) => {
        // One that comes too late goes back to the others.
        coming.then((late) => late.release()).catch(() => {});
        throw error;
      });
  }

  /** A connection that broke, or that did not answer in time, does not go back to the pool. */
  async #useOnce<T>(
    connection: MysqlConnection,
    work: (session: Session) => Promise<T>,
  ): Promise<T> {
    let isSound = false;
    try {
      const result = await work(new Session(connection, this.#inTime));
      isSound = true;
      return result;
    } catch (error) {
      isSound = !isGivenUp(error);
      throw error;
    } finally {
      if (isSound) connection.release();
      else connection.destroy();
    }
  }

  readonly #inTime: InTime = (answer) => {
    const { timeout, server } = this.#options;
    return this.#deadline.for(answer, () => noAnswer(timeout, server));
  };

  async #ownPool(options: PoolOptions): Promise<MysqlPool> {
    const { createPool } = await import('mysql2/promise').catch(() => {
      throw new TokenStoreError(
        'DRIVER_UNAVAILABLE',
        'The driver mysql2 could not be loaded. Install it, and leave it out of a bundle (`external`, `serverExternalPackages`).',
      );
    });
    const pool = createPool(options);
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

/**
 * Locks of gaps, which a stricter isolation takes, would make saves of different users wait for each
 * other.
 */
const SETTINGS = [
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', SESSION autocommit = 1",
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
];

/**
 * A pool may be set up to give and take values in a way of its own, with which records would be
 * damaged, or never be committed.
 *
 * @throws TokenStoreError `INVALID_OPTION`
 */
async function requirePlain(session: Session): Promise<void> {
  const rows = await session.select(
    "SELECT '' AS text, @@autocommit AS autocommit, @@character_set_client AS charset",
    [],
  );
  const row = { ...rows[0] };
  if (row['text'] !== '' || typeof row['charset'] !== 'string') {
    throw invalidOption(
      'pool',
      'or options has rowsAsArray, nestTables or a typeCast: rows must come as objects, with their values as they are',
    );
  }
  if (row['charset'] !== 'utf8mb4') {
    throw invalidOption('pool', 'or options has another charset than utf8mb4');
  }
  if (Number(row['autocommit']) !== 1) {
    throw invalidOption('pool', 'has autocommit off: nothing would be kept');
  }
}
