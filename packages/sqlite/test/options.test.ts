import { TokenStoreError } from '@tokenkeep/core';
import { SqliteTokenStore, type SqliteTokenStoreOptions } from '@tokenkeep/sqlite';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';

const database = new Database(':memory:');

test.each<[option: string, options: SqliteTokenStoreOptions]>([
  ['table', { path: ':memory:', table: '' }],
  ['table', { path: ':memory:', table: 'OAuthToken' }],
  ['table', { path: ':memory:', table: '1st' }],
  ['table', { path: ':memory:', table: 'a"b' }],
  ['table', { path: ':memory:', table: 'a'.repeat(64) }],
  ['table', { path: ':memory:', table: 'sqlite_master' }],
  ['table', { path: ':memory:', table: 'tokenkeep_schema' }],
  ['timeout', { path: ':memory:', timeout: -1 }],
  ['timeout', { path: ':memory:', timeout: Number.POSITIVE_INFINITY }],
  ['path', { path: '' }],
  ['path', { path: ' tokens.db' }],
  ['path', { path: 'tokens.db\0' }],
  ['path', { path: 'tokens/' }],
  // What JavaScript callers may give.
  ['path', JSON.parse('{}')],
  ['path', JSON.parse('{ "path": 5 }')],
  ['synchronous', JSON.parse('{ "path": ":memory:", "synchronous": "off" }')],
  ['database', JSON.parse('{ "database": "tokens.db" }')],
  ['path', Object.assign({ database }, JSON.parse('{ "path": ":memory:" }'))],
  ['synchronous', Object.assign({ database }, JSON.parse('{ "synchronous": "full" }'))],
])('a wrong option is refused by its name: %s %#', (option, options) => {
  const construct = () => new SqliteTokenStore(options);
  expect(construct).toThrow(TokenStoreError);
  expect(construct).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  expect(construct).toThrow(`The option ${option} `);
});

test('no options at all: it says what to give', () => {
  const construct = () => Reflect.construct(SqliteTokenStore, []);
  expect(construct).toThrow(/\{ path: '\.\/tokens\.db' \}/);
});

test('an option that is not known is named', () => {
  const construct = () => Reflect.construct(SqliteTokenStore, [{ path: 'x', tabel: 'y' }]);
  expect(construct).toThrow(/"tabel".*path, database, table, timeout/);
});

test.each(['~/tokens.db', 'file:tokens.db'])('the path %s is refused', (path) => {
  expect(() => new SqliteTokenStore({ path })).toThrow(/^The option path /);
});

test('a table may have a name that is a word of SQL', async () => {
  await using store = new SqliteTokenStore({ path: ':memory:', table: 'select' });
  expect(await store.getTokens()).toEqual([]);
});
