import { createPool, type Pool, type PoolConnection, type PoolOptions } from 'mysql2';
import type { MysqlConnection, MysqlPool, MysqlValue } from './options.ts';

/**
 * Goes before whatever the store sends on a new connection. Locks of gaps, which a stricter isolation
 * takes, would make saves of different users wait for each other.
 */
const SETTINGS = [
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'",
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
  'SET SESSION autocommit = 1',
];

/**
 * A pool that the store makes. It is mysql2's with callbacks: the one with promises makes an emitter
 * with listeners for each connection that it lends, which costs a find a tenth.
 */
export class OwnPool implements MysqlPool {
  readonly #pool: Pool;

  constructor(options: PoolOptions) {
    this.#pool = createPool(options);
    this.#pool.on('connection', (connection) => {
      for (const setting of SETTINGS) {
        connection.query(setting, (error) => {
          if (error) connection.destroy();
        });
      }
    });
  }

  getConnection(): Promise<MysqlConnection> {
    return new Promise((resolve, reject) => {
      this.#pool.getConnection((error, connection) => {
        if (error) reject(error);
        else resolve(new OwnConnection(connection));
      });
    });
  }

  close(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#pool.end((error) => (error ? reject(error) : resolve()));
    });
  }
}

class OwnConnection implements MysqlConnection {
  readonly #connection: PoolConnection;

  constructor(connection: PoolConnection) {
    this.#connection = connection;
  }

  execute(sql: string, values: MysqlValue[]): Promise<[unknown, unknown]> {
    return new Promise((resolve, reject) => {
      this.#connection.execute(sql, values, (error, result, fields) => {
        if (error) reject(error);
        else resolve([result, fields]);
      });
    });
  }

  query(sql: string): Promise<[unknown, unknown]> {
    return new Promise((resolve, reject) => {
      this.#connection.query(sql, (error, result, fields) => {
        if (error) reject(error);
        else resolve([result, fields]);
      });
    });
  }

  release(): void {
    this.#connection.release();
  }

  destroy(): void {
    this.#connection.destroy();
  }
}
