import { invalidOption } from '@tokenkeep/core/adapter';
import { Deadline } from '@tokenkeep/core/adapter/server';
import { isGivenUp, isLostConnection, lateness } from './errors.ts';
import type { CheckedOptions, MysqlConnection, MysqlPool, MysqlValue } from './options.ts';

/** What was sent first and what is waited for, a connection too, has its time, as a whole. */
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

  /** For what can't be prepared. */
  async query(sql: string): Promise<void> {
    await this.#inTime(this.#connection.query(sql));
  }

  /** Makes a transaction that did not end as it should undone, without losing why it did not. */
  async rollBack(reason: unknown): Promise<void> {
    // A connection that is given up, the server rolls back. On one that hangs, this would wait.
    if (isGivenUp(reason)) this.#connection.destroy();
    else await this.query('ROLLBACK').catch(() => this.#connection.destroy());
  }
}

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
    const { pool, poolOptions } = this.#options;
    if (pool !== undefined) {
      this.#pool = pool;
    } else if (this.#pool === undefined) {
      const { OwnPool } = await import('./own-pool.ts');
      const own = new OwnPool(poolOptions);
      this.#pool = own;
      this.#closePool = () => own.close();
    }
    await this.useRepeatably(requirePlain);
  }

  /** Lends a connection. One that broke, or did not answer in time, is not used again. */
  async use<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if (this.#pool === undefined) throw new Error('the store is not open');
    const coming = this.#pool.getConnection();
    const connection = await this.#inTime(coming).catch((error: unknown) => {
      // One that comes too late goes back to the others.
      coming.then((late) => late.release()).catch(() => {});
      throw error;
    });
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

  /** Once more, on another connection, if the first had gone stale: for what may be done twice. */
  async useRepeatably<T>(work: (session: Session) => Promise<T>): Promise<T> {
    try {
      return await this.use(work);
    } catch (error) {
      if (isLostConnection(error)) return this.use(work);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#closePool();
  }

  readonly #inTime: InTime = (answer) =>
    this.#deadline.for(answer, () => lateness(this.#options.timeout));
}

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
      'or connection has rowsAsArray, nestTables or a typeCast: rows must come as objects, with their values as they are',
    );
  }
  if (row['charset'] !== 'utf8mb4') {
    throw invalidOption('pool', 'or connection has another charset than utf8mb4');
  }
  if (Number(row['autocommit']) !== 1) {
    throw invalidOption('pool', 'has autocommit off: nothing would be kept');
  }
}
