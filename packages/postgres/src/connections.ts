import { invalidOption, loadDriver } from '@tokenkeep/core/adapter';
import { Deadline } from '@tokenkeep/core/adapter/server';
import { isGivenUp, isLostConnection, noAnswer, noFreeConnection } from './errors.ts';
import type {
  CheckedOptions,
  PostgresConnection,
  PostgresPool,
  PostgresResult,
} from './options.ts';

/** Sends a statement, and waits for its answer as long as is allowed. */
export type Send = (sql: string, values?: readonly unknown[]) => Promise<PostgresResult>;

/** Connections: as many as a pool has if nothing else is said. */
const MAX_BROKEN = 10;

/** A connection emits what would end the process if nobody listened; the statement fails as well. */
const ignoreError = (): void => {};

/** The pool of connections that a store speaks through: its own, or one that it was handed. */
export class Connections {
  readonly #options: CheckedOptions;
  readonly #deadline: Deadline;
  readonly #begin: string;
  #pool: PostgresPool | undefined;
  #closePool: () => Promise<void> = async () => {};

  constructor(options: CheckedOptions) {
    const { timeout } = options;
    this.#options = options;
    this.#deadline = new Deadline(timeout);
    // In one message. LOCAL, as behind PgBouncer the session is another's a moment later. A process
    // that stops in the middle holds its locks no longer than this.
    this.#begin = [
      'BEGIN ISOLATION LEVEL READ COMMITTED',
      `SET LOCAL statement_timeout = ${timeout}`,
      `SET LOCAL idle_in_transaction_session_timeout = ${timeout}`,
    ].join('; ');
  }

  async open(): Promise<void> {
    this.#pool ??= this.#options.pool ?? (await this.#ownPool());
    await this.retry(requirePlain);
  }

  async use<T>(work: (send: Send) => Promise<T>): Promise<T> {
    return this.#useOnce(await this.#borrow(), work);
  }

  /**
   * On another connection, if the first turns out to be broken: for idempotent work.
   *
   * @param mayRepeat whether it still is
   */
  async retry<T>(
    work: (send: Send) => Promise<T>,
    mayRepeat: () => boolean = () => true,
  ): Promise<T> {
    for (let broken = 1; ; broken += 1) {
      try {
        return await this.use(work);
      } catch (error) {
        // All that were idle may have broken at once.
        if (broken > MAX_BROKEN || !isLostConnection(error) || !mayRepeat()) throw error;
      }
    }
  }

  /**
   * Commits what the work did if it gives `true`, else rolls it back. A connection that is given up,
   * the server rolls back.
   */
  transaction(work: (send: Send) => Promise<boolean>): Promise<boolean> {
    let isCommitted = false;
    return this.retry(
      async (send) => {
        await send(this.#begin);
        try {
          const isDone = await work(send);
          isCommitted = isDone;
          await send(isDone ? 'COMMIT' : 'ROLLBACK');
          return isDone;
        } catch (error) {
          if (!isGivenUp(error)) await send('ROLLBACK');
          throw error;
        }
      },
      // The answer may be lost, and not the transaction.
      () => !isCommitted,
    );
  }

  async close(): Promise<void> {
    await this.#closePool();
  }

  async #borrow(): Promise<PostgresConnection> {
    if (this.#pool === undefined) throw new Error('the store is not open');
    const { timeout, server } = this.#options;
    const coming = this.#pool.connect();
    return this.#deadline
      .for(coming, () => noFreeConnection(timeout, server))
      .catch((error: unknown) => {
        // One that comes too late goes back to the others.
        coming.then((late) => late.release()).catch(() => {});
        throw error;
      });
  }

  /** A connection that broke, or that did not answer in time, does not go back to the pool. */
  async #useOnce<T>(connection: PostgresConnection, work: (send: Send) => Promise<T>): Promise<T> {
    if (typeof connection?.release !== 'function') {
      throw invalidOption('pool', 'must be a pool, and is a single client');
    }
    const { timeout, server } = this.#options;
    connection.on('error', ignoreError);
    let isSound = false;
    try {
      const result = await work((sql, values = []) =>
        this.#deadline.for(connection.query(sql, [...values]), () => noAnswer(timeout, server)),
      );
      isSound = true;
      return result;
    } catch (error) {
      isSound = !isGivenUp(error);
      throw error;
    } finally {
      // The pool listens again from here on.
      connection.release(!isSound);
      connection.removeListener('error', ignoreError);
    }
  }

  async #ownPool(): Promise<PostgresPool> {
    const { Pool } = await loadDriver('pg', async () => (await import('pg')).default);
    const pool = new Pool(this.#options.poolOptions);
    // What breaks while it is idle, the pool takes out by itself.
    pool.on('error', ignoreError);
    this.#closePool = () => pool.end();
    return pool;
  }
}

/**
 * A pool may be set up to give values in a way of its own, with which records would be damaged.
 *
 * @throws TokenStoreError `INVALID_OPTION`
 */
async function requirePlain(send: Send): Promise<void> {
  const { rows } = await send("SELECT decode('00ff', 'hex') AS bytes, 1::int8 AS number");
  const { bytes, number } = { ...rows?.[0] };
  if (!(bytes instanceof Uint8Array) || bytes[1] !== 255 || Number(number) !== 1) {
    throw invalidOption(
      'pool',
      'or options has type parsers of its own for bytea or int8, or gives no objects: rows must come as pg gives them by default',
    );
  }
}
