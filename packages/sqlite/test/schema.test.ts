import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { OAuthToken } from '@tokenkeep/core';
import { freshFolder } from '@tokenkeep/path-checks';
import { SqliteTokenStore } from '@tokenkeep/sqlite';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';

const ada = new OAuthToken({
  userSignature: { name: 'ada' },
  clientId: 'c',
  refreshToken: '1000.ada',
});

/** A database that the statements have made, and that no store has seen. */
function databaseWith(sql: string): string {
  const path = join(freshFolder(), 'tokens.db');
  const database = new Database(path);
  database.exec(sql);
  database.close();
  return path;
}

function journalModeOf(path: string): unknown {
  const database = new Database(path);
  try {
    return database.pragma('journal_mode', { simple: true });
  } finally {
    database.close();
  }
}

describe('what is refused with SCHEMA_UNKNOWN and left untouched', () => {
  test.each([
    [
      'a table of the same name with other columns',
      'CREATE TABLE oauthtoken (id INTEGER, user_mail TEXT)',
    ],
    ['a table whose name differs in case only', 'CREATE TABLE OAuthToken (id INTEGER)'],
    [
      'a view of the same name',
      'CREATE TABLE t (id TEXT); CREATE VIEW oauthtoken AS SELECT id FROM t',
    ],
    [
      'a table of a later version',
      `CREATE TABLE tokenkeep_schema (table_name TEXT PRIMARY KEY, version INTEGER NOT NULL);
       INSERT INTO tokenkeep_schema VALUES ('oauthtoken', 99);
       CREATE TABLE oauthtoken (id TEXT)`,
    ],
    [
      'a table that is said to be ours, with columns that are not',
      `CREATE TABLE tokenkeep_schema (table_name TEXT PRIMARY KEY, version INTEGER NOT NULL);
       INSERT INTO tokenkeep_schema VALUES ('oauthtoken', 1);
       CREATE TABLE oauthtoken (id TEXT)`,
    ],
    ['a table where the versions of tables should be', 'CREATE TABLE tokenkeep_schema (name TEXT)'],
  ])('%s', async (_title, sql) => {
    const path = databaseWith(sql);
    const before = readFileSync(path);
    const store = new SqliteTokenStore({ path });
    await expect(store.ready()).rejects.toMatchObject({
      code: 'SCHEMA_UNKNOWN',
      operation: 'ready',
    });
    await expect(store.saveToken(ada)).rejects.toMatchObject({
      code: 'SCHEMA_UNKNOWN',
      operation: 'saveToken',
    });
    await store.close();
    expect(readFileSync(path)).toEqual(before);
  });
});

test('another program’s table is named, with what to give', async () => {
  const columns = 'id INTEGER PRIMARY KEY, user_name TEXT, client_id TEXT, refresh_token TEXT';
  const store = new SqliteTokenStore({
    path: databaseWith(`CREATE TABLE oauthtoken (${columns})`),
  });
  const failure = await store.ready().catch((error: Error) => error);
  expect(String(failure)).toMatch(/"oauthtoken" is another program's: .*option table/);
  expect(String(failure)).not.toMatch(/upgrade/);
});

test('a later version says to upgrade', async () => {
  const path =
    databaseWith(`CREATE TABLE tokenkeep_schema (table_name TEXT PRIMARY KEY, version INTEGER NOT NULL);
    INSERT INTO tokenkeep_schema VALUES ('oauthtoken', 99);
    CREATE TABLE oauthtoken (id TEXT)`);
  await expect(new SqliteTokenStore({ path }).ready()).rejects.toThrow(
    /Upgrade @tokenkeep\/sqlite/,
  );
});

test.each([
  ['a file that was not there', (): string => join(freshFolder(), 'tokens.db')],
  ['an empty file', (): string => databaseWith('')],
])('%s gets a write-ahead log', async (_, place) => {
  const path = place();
  await using store = new SqliteTokenStore({ path });
  await store.ready();
  expect(journalModeOf(path)).toBe('wal');
});

test('another program’s database keeps its journal mode', async () => {
  const path = databaseWith('CREATE TABLE oauthtoken (id INTEGER PRIMARY KEY, user_name TEXT)');
  const store = new SqliteTokenStore({ path, table: 'tokens' });
  await store.saveToken(ada);
  await store.close();
  expect(journalModeOf(path)).toBe('delete');
});

test('a file that is no database is refused with NOT_A_DATABASE and left untouched', async () => {
  const path = join(freshFolder(), 'tokens.db');
  const content = 'Dear diary, '.repeat(1000);
  writeFileSync(path, content);
  const store = new SqliteTokenStore({ path });
  await expect(store.findToken(ada)).rejects.toMatchObject({
    code: 'NOT_A_DATABASE',
    driverCode: 'SQLITE_NOTADB',
    message: expect.stringContaining(JSON.stringify(path)),
  });
  await expect(store.saveToken(ada)).rejects.toMatchObject({ code: 'NOT_A_DATABASE' });
  expect(readFileSync(path, 'utf8')).toBe(content);
});

test('tables whose names begin alike do not get in each other’s way', async () => {
  const path = join(freshFolder(), 'tokens.db');
  const tables = ['a', 'a_id', 'a_user_name', 'a_access_token', 'sqlite', 'main', 'index'];
  for (const table of tables) {
    const store = new SqliteTokenStore({ path, table });
    await store.saveToken(ada.with({ redirectUrl: table }));
    await store.close();
  }
  for (const table of tables) {
    const store = new SqliteTokenStore({ path, table });
    expect((await store.getTokens()).map((token) => token.redirectUrl)).toEqual([table]);
    await store.close();
  }
});

test('what else is in the database stays', async () => {
  const path = databaseWith("CREATE TABLE notes (text TEXT); INSERT INTO notes VALUES ('mine')");
  await using store = new SqliteTokenStore({ path });
  await store.saveToken(ada);
  await store.deleteTokens();
  const database = new Database(path);
  expect(database.prepare('SELECT text FROM notes').pluck().all()).toEqual(['mine']);
  database.close();
});

test('a table that was dropped by hand is made again', async () => {
  const path = join(freshFolder(), 'tokens.db');
  const store = new SqliteTokenStore({ path });
  await store.saveToken(ada);
  await store.close();
  const database = new Database(path);
  database.exec('DROP TABLE oauthtoken');
  database.close();
  await using again = new SqliteTokenStore({ path });
  expect(await again.saveToken(ada)).toMatchObject({ version: 1 });
});

test('users of the vendor’s stores find the columns that they know', async () => {
  const database = new Database(':memory:');
  await using store = new SqliteTokenStore({ database });
  await store.saveToken(
    ada.with({
      id: '7',
      clientSecret: 's',
      accessToken: 'a',
      grantToken: 'g',
      expiresAt: 1_900_000_000_000,
      redirectUrl: 'https://example.com/cb',
      apiDomain: 'https://api.example.com',
    }),
  );
  const columns =
    'id, user_name, client_id, client_secret, refresh_token, access_token, grant_token, expiry_time, redirect_url, api_domain';
  expect(database.prepare(`SELECT ${columns} FROM oauthtoken`).raw().all()).toEqual([
    [
      '7',
      'ada',
      'c',
      's',
      '1000.ada',
      'a',
      'g',
      1_900_000_000_000,
      'https://example.com/cb',
      'https://api.example.com',
    ],
  ]);
});

test('the database itself keeps a user of a client from being there twice', async () => {
  const database = new Database(':memory:');
  await using store = new SqliteTokenStore({ database });
  await store.saveToken(ada);
  const insert =
    "INSERT INTO oauthtoken (id, user_name, client_id, version) VALUES ('x', 'ada', 'c', 1)";
  expect(() => database.exec(insert)).toThrow('UNIQUE constraint failed');
});
