import { invalidOption, loadDriver } from '@tokenkeep/core/adapter';
import { type ConnectionPool, Connections, type Send } from '@tokenkeep/core/adapter/server';
import { isLostRace, translateError } from './errors.ts';
import type { CheckedOptions, PostgresConnection, PostgresPool } from './options.ts';

/** A connection emits what would end the process if nobody listened; the statement fails as well. */
const ignoreError = (): void => {};

/** The connections that a store speaks through: of its own pool, or of one that it was handed. */
export function connectionsOf(options: CheckedOptions): Connections {
  const { timeout, server, pool } = options;
  return new Connections({
    timeout,
    server,
    sizeOption: 'max',
    // In one message. LOCAL, as behind PgBouncer the session is another's a moment later. A process
    // that stops in the middle holds its locks no longer than this.
    begin: [
      'BEGIN ISOLATION LEVEL READ COMMITTED',
      `SET LOCAL statement_timeout = ${timeout}`,
      `SET LOCAL idle_in_transaction_session_timeout = ${timeout}`,
    ].join('; '),
    openPool: async () => (pool === undefined ? ownPool(options) : poolOf(pool, async () => {})),
    translateError,
    isLostRace,
  });
}

async function ownPool({ poolOptions }: CheckedOptions): Promise<ConnectionPool> {
  const { Pool } = await loadDriver('pg', async () => (await import('pg')).default);
  const pool = new Pool(poolOptions);
  // What breaks while it is idle, the pool takes out by itself.
  pool.on('error', ignoreError);
  return poolOf(pool, () => pool.end());
}

function poolOf(pool: PostgresPool, close: () => Promise<void>): ConnectionPool {
  return {
    close,
    async borrow() {
      const connection = await connect(pool);
      if (typeof connection?.release !== 'function') {
        throw invalidOption('pool', 'must be a pool, and is a single client');
      }
      return {
        send(sql, values) {
          // No statement of a store has a ? of another meaning.
          let place = 0;
          const numbered = sql.replace(/\?/g, () => {
            place += 1;
            return `$${place}`;
          });
          return connection.query(numbered, [...values]);
        },
        giveBack(isSound) {
          // The pool listens again from here on.
          connection.release(!isSound);
          connection.removeListener('error', ignoreError);
        },
      };
    },
  };
}

/** A connection that is listened to before the next of what its server sent is read: it may be the last. */
function connect(pool: PostgresPool): Promise<PostgresConnection | undefined> {
  return new Promise((resolve, reject) => {
    let isGiven = false;
    const take = (connection: PostgresConnection | undefined): void => {
      if (!isGiven) connection?.on?.('error', ignoreError);
      isGiven = true;
      resolve(connection);
    };
    const promised = pool.connect((error, connection) => {
      if (error) reject(error);
      else take(connection);
    });
    promised?.then(take, reject);
  });
}

/**
 * A pool may be set up to give values in a way of its own, with which records would be damaged.
 *
 * @throws TokenStoreError `INVALID_OPTION`
 */
export async function requirePlain(send: Send): Promise<void> {
  const { rows } = await send("SELECT decode('00ff', 'hex') AS bytes, 1::int8 AS number");
  const { bytes, number } = { ...rows?.[0] };
  if (!(bytes instanceof Uint8Array) || bytes[1] !== 255 || Number(number) !== 1) {
    throw invalidOption(
      'pool',
      'or options has type parsers of its own for bytea or int8, or gives no objects: rows must come as pg gives them by default',
    );
  }
}
