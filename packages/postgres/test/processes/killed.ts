/** Kills itself at a step (see `saveUntilKilled`): a statement is sent, or its answer has come. */
import { saveUntilKilled } from '@tokenkeep/load-checks';
import { Pool } from 'pg';
import { type PostgresConnection, PostgresTokenStore } from '../../src/index.ts';

const [, , , , url = '', schema = ''] = process.argv;
const pool = new Pool({ connectionString: url });
await saveUntilKilled((_place, step) => {
  const connect = async (): Promise<PostgresConnection> => {
    const connection = await pool.connect();
    return {
      query: async (sql, values) => {
        const answer = connection.query(sql, values);
        // What is written to the socket in this turn has left before the next.
        await new Promise(setImmediate);
        step();
        try {
          return await answer;
        } finally {
          step();
        }
      },
      release: (destroy) => connection.release(destroy),
      on: (event, listener) => connection.on(event, listener),
      removeListener: (event, listener) => connection.removeListener(event, listener),
    };
  };
  return new PostgresTokenStore({ pool: { connect }, schema });
});
await pool.end();
