import { invalidOption, loadDriver } from '@tokenkeep/core/adapter';
import { type ConnectionPool, Connections, type Send } from '@tokenkeep/core/adapter/server';
import { isLostRace, translateError } from './errors.ts';
import type { CheckedOptions, MysqlPool, MysqlValue } from './options.ts';

/** The connections that a store speaks through: of its own pool, or of one that it was handed. */
export function connectionsOf(options: CheckedOptions): Connections {
  const { timeout, server, pool } = options;
  return new Connections({
    timeout,
    server,
    sizeOption: 'connectionLimit',
    begin: 'START TRANSACTION',
    openPool: async () => (pool === undefined ? ownPool(options) : poolOf(pool, async () => {})),
    translateError,
    isLostRace,
  });
}

/** A stricter isolation locks gaps, and saves of different users would wait for each other. */
const SETTINGS = [
  "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION', SESSION autocommit = 1",
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
];

async function ownPool({ poolOptions }: CheckedOptions): Promise<ConnectionPool> {
  const { createPool } = await loadDriver('mysql2', () => import('mysql2/promise'));
  const pool = createPool(poolOptions);
  // Goes before whatever the store sends on a new connection.
  pool.pool.on('connection', (connection) => {
    for (const setting of SETTINGS) {
      connection.query(setting, (error) => {
        if (error) connection.destroy();
      });
    }
  });
  return poolOf(pool, () => pool.end());
}

/** The driver itself listens to its connections. */
function poolOf(pool: MysqlPool, close: () => Promise<void>): ConnectionPool {
  return {
    close,
    async borrow() {
      const connection = await pool.getConnection();
      return {
        async send(sql, values) {
          // Prepared only if it has values: it may be another text each time.
          const [result] =
            values.length === 0
              ? await connection.query(sql)
              : await connection.execute(sql, [...values] as MysqlValue[]);
          const rowCount: number | null = Object(result).affectedRows ?? null;
          return { rows: Array.isArray(result) ? result : [], rowCount };
        },
        giveBack(isSound) {
          if (isSound) connection.release();
          else connection.destroy();
        },
      };
    },
  };
}

/**
 * A pool may be set up so that records would be damaged, or never be committed.
 *
 * @throws TokenStoreError `INVALID_OPTION`
 */
export async function requirePlain(send: Send): Promise<void> {
  const sql = "SELECT '' AS text, @@autocommit AS autocommit, @@character_set_client AS charset";
  const { text, autocommit, charset } = { ...(await send(sql)).rows[0] };
  if (text !== '' || typeof charset !== 'string') {
    const problem =
      'or options has rowsAsArray, nestTables or a typeCast: rows must be plain objects';
    throw invalidOption('pool', problem);
  }
  if (charset !== 'utf8mb4' || Number(autocommit) !== 1) {
    throw invalidOption('pool', 'or options must use the charset utf8mb4, and autocommit');
  }
}
