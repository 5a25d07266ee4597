import { TokenStoreError } from '../../errors.ts';
import { Deadline } from './deadline.ts';

/** A row as the driver gives it. */
export type Row = Record<string, unknown>;

/** What a statement came to. */
export interface StatementResult {
  readonly rows: Row[];
  /** How many rows it changed. */
  readonly rowCount: number | null;
}

/** Sends a statement, and waits for its answer as long as is allowed. */
export type Send = (sql: string, values?: readonly unknown[]) => Promise<StatementResult>;

/** A connection of a pool, in terms that all drivers have. */
export interface LentConnection {
  send(sql: string, values: readonly unknown[]): Promise<StatementResult>;
  /** @param isSound whether another may use it; else it is closed */
  giveBack(isSound: boolean): void;
}

/** A pool of connections to a database that speaks SQL. */
export interface ConnectionPool {
  /** Where a connection that breaks emits an error, somebody has to listen until it is given back. */
  borrow(): Promise<LentConnection>;
  /** Closes it, if it is not the user's. */
  close(): Promise<void>;
}

/** What {@link Connections} need to know. */
export interface ConnectionSettings {
  /** For each statement, and to wait for a connection: milliseconds. */
  readonly timeout: number;
  /** Where the server is, for messages. */
  readonly server: string;
  /** The driver's option for the number of connections, for messages. */
  readonly sizeOption: string;
  /** What begins a transaction. */
  readonly begin: string;
  openPool(): Promise<ConnectionPool>;
  translateError(error: unknown): TokenStoreError | undefined;
  /** Whether another was faster, so that nothing was written and it is to be read again. */
  isLostRace(error: unknown): boolean;
}

/** Connections: as many as a pool has if nothing else is said. */
const MAX_BROKEN = 10;

/** Lends connections of a pool for one piece of work each. */
export class Connections {
  readonly #settings: ConnectionSettings;
  readonly #deadline: Deadline;
  #pool: ConnectionPool | undefined;

  /** @throws TokenStoreError `INVALID_OPTION` */
  constructor(settings: ConnectionSettings) {
    this.#settings = settings;
    this.#deadline = new Deadline(settings.timeout, settings.server);
  }

  async open(): Promise<void> {
    this.#pool ??= await this.#settings.openPool();
  }

  async close(): Promise<void> {
    await this.#pool?.close();
  }

  /**
   * A connection that broke, or that did not answer in time, does not go back to the pool.
   *
   * @param hasLimit whether the time of each statement is limited
   */
  async use<T>(work: (send: Send) => Promise<T>, hasLimit = true): Promise<T> {
    const connection = await this.#borrow();
    let isSound = false;
    try {
      const result = await work((sql, values = []) => {
        const answer = connection.send(sql, values);
        return hasLimit ? this.#deadline.for(answer) : answer;
      });
      isSound = true;
      return result;
    } catch (error) {
      isSound = !this.#isGivenUp(error);
      throw error;
    } finally {
      connection.giveBack(isSound);
    }
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
        const isLost = this.#settings.translateError(error)?.code === 'CONNECTION_FAILED';
        if (broken > MAX_BROKEN || !isLost || !mayRepeat()) throw error;
      }
    }
  }

  /** The rows of a statement that changes nothing. */
  async rows(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.retry((send) => send(sql, values))).rows;
  }

  /**
   * One statement that changes something: it is not repeated.
   *
   * @returns what the work gave; `false` where another was faster
   */
  write(work: (send: Send) => Promise<boolean>): Promise<boolean> {
    return this.#falseIfLost(this.use(work));
  }

  /**
   * Commits what the work did if it gives `true`, else rolls it back. A connection that is given up,
   * the server rolls back.
   *
   * @returns what the work gave; `false` where another was faster
   */
  transaction(work: (send: Send) => Promise<boolean>): Promise<boolean> {
    let isCommitted = false;
    const done = this.retry(
      async (send) => {
        await send(this.#settings.begin);
        try {
          const isDone = await work(send);
          isCommitted = isDone;
          await send(isDone ? 'COMMIT' : 'ROLLBACK');
          return isDone;
        } catch (error) {
          if (!this.#isGivenUp(error)) await send('ROLLBACK');
          throw error;
        }
      },
      // The answer may be lost, and not the transaction.
      () => !isCommitted,
    );
    return this.#falseIfLost(done);
  }

  #falseIfLost(work: Promise<boolean>): Promise<boolean> {
    return work.catch((error: unknown) => {
      if (this.#settings.isLostRace(error)) return false;
      throw error;
    });
  }

  async #borrow(): Promise<LentConnection> {
    if (this.#pool === undefined) throw new Error('the store is not open');
    const coming = this.#pool.borrow();
    try {
      return await this.#deadline.for(coming, () => this.#noConnection());
    } catch (error) {
      // One that comes too late goes back to the others.
      coming.then((late) => late.giveBack(true)).catch(() => {});
      throw error;
    }
  }

  /** Where a server takes no writes any more, a new connection may lead to another. */
  #isGivenUp(error: unknown): boolean {
    const code = this.#settings.translateError(error)?.code;
    return code === 'TIMEOUT' || code === 'CONNECTION_FAILED' || code === 'READ_ONLY';
  }

  #noConnection(): TokenStoreError {
    const { server, timeout, sizeOption } = this.#settings;
    return new TokenStoreError(
      'TIMEOUT',
      `No connection (${server}) was free or could be made within ${timeout} ms. Try again, or raise ${sizeOption} in options.`,
    );
  }
}
