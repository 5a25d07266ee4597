import { Client } from 'pg';
import { expect, test } from 'vitest';
import {
  describeServer,
  startEmbeddedPostgres,
  startPgbouncer,
  startPostgres,
} from '../src/index.ts';

test.each([
  ['', startPostgres],
  ['18 of npm ', startEmbeddedPostgres],
])(
  'PostgreSQL %skeeps a committed row through SIGKILL and comes back on the same port',
  async (_, start) => {
    await using server = await start({ own: true });
    console.log(describeServer(server));
    const { url } = await server.createDatabase();
    await server.query('CREATE TABLE kept (id int); INSERT INTO kept VALUES (7)', url);
    // One that is connected meanwhile is a process of the server as well.
    const idle = new Client({ connectionString: url });
    idle.on('error', () => {});
    await idle.connect();
    await server.kill();
    await expect(server.query('SELECT 1')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await server.restart();
    expect(await server.query('SELECT id FROM kept', url)).toEqual([{ id: 7 }]);
  },
);

test('PgBouncer gives each transaction another connection of the server', async () => {
  await using server = await startPostgres({ own: true });
  await using pooler = await startPgbouncer(server);
  console.log(describeServer(pooler));
  const { url } = await server.createDatabase();
  const one = new Client({ connectionString: pooler.urlFor(url) });
  const two = new Client({ connectionString: pooler.urlFor(url) });
  await Promise.all([one.connect(), two.connect()]);
  const process = async (client: Client) =>
    (await client.query('SELECT pg_backend_pid() AS pid')).rows[0].pid;
  expect(await process(one)).toBe(await process(two));
  await Promise.all([one.end(), two.end()]);
});
