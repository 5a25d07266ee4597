/** Kills itself at a step (see `saveUntilKilled`): a statement is sent, or its answer has come. */
import { saveUntilKilled } from '@tokenkeep/load-checks';
import { createPool } from 'mysql2/promise';
import { type MysqlConnection, MysqlTokenStore } from '../../src/index.ts';

const [, , , , url = ''] = process.argv;
const pool = createPool({ uri: url });
await saveUntilKilled((_place, step) => {
  async function counted<T>(answer: Promise<T>): Promise<T> {
    // What is written to the socket in this turn has left before the next.
    await new Promise(setImmediate);
    step();
    try {
      return await answer;
    } finally {
      step();
    }
  }
  const getConnection = async (): Promise<MysqlConnection> => {
    const connection = await pool.getConnection();
    return {
      execute: (options, values) => counted(connection.execute(options, values)),
      query: (options) => counted(connection.query(options)),
      release: () => connection.release(),
      destroy: () => connection.destroy(),
    };
  };
  return new MysqlTokenStore({ pool: { getConnection } });
});
await pool.end();
