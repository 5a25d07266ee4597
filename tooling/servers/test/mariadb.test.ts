import assert from 'node:assert/strict';
import { createConnection } from 'mysql2/promise';
import { expect, test } from 'vitest';
import { describeServer, startMariadb } from '../src/index.ts';

test('MariaDB keeps a committed row through SIGKILL and comes back on the same port', async () => {
  await using server = await startMariadb({ own: true });
  console.log(describeServer(server));
  expect(server.name).toBe('MariaDB');
  const { url } = await server.createDatabase();

  const before = await createConnection(url);
  before.on('error', () => {});
  await before.query('CREATE TABLE kept (id INT PRIMARY KEY) ENGINE=InnoDB');
  await before.query('INSERT INTO kept VALUES (7)');
  await server.kill();
  await expect(createConnection(url)).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  });
  await server.restart();

  const after = await createConnection(url);
  const [rows] = await after.query('SELECT id FROM kept');
  assert.deepEqual(rows, [{ id: 7 }]);
  await after.end();
});

test('two databases of one server do not see each other', async () => {
  await using server = await startMariadb();
  const [one, other] = [await server.createDatabase(), await server.createDatabase()];
  await server.query(`CREATE TABLE ${one.name}.here (id INT PRIMARY KEY)`);
  await expect(server.query(`SELECT * FROM ${other.name}.here`)).rejects.toMatchObject({
    code: 'ER_NO_SUCH_TABLE',
  });
});
