/**
 * `node killed.ts URL STEPS TOKEN`: saves a token (JSON), and kills itself after so many steps; each
 * statement is two: it is sent, and its answer has come.
 */
import { OAuthToken } from '@tokenkeep/core';
import { createPool } from 'mysql2/promise';
import { type MysqlConnection, MysqlTokenStore } from '../../src/index.ts';

const [url = '', steps = '', token = ''] = process.argv.slice(2);
const pool = createPool({ uri: url });
let left = Number.POSITIVE_INFINITY;
const step = () => {
  if (left === 0) process.kill(process.pid, 'SIGKILL');
  left -= 1;
};
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
const store = new MysqlTokenStore({ pool: { getConnection } });
await store.ready();
left = Number(steps);
step();
await store.saveToken(new OAuthToken(JSON.parse(token)));
await pool.end();
