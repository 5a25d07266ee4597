import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OAuthToken } from '@tokenkeep/core';
import { freshFolder } from '@tokenkeep/path-checks';
import { SqliteTokenStore } from '@tokenkeep/sqlite';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';

/** A database as version 1 of the schema left it: ada of two clients, saved twice, and a grant. */
function formerDatabase(): string {
  const path = join(freshFolder(), 'former.db');
  const database = new Database(path);
  database.pragma('journal_mode = WAL');
  database.exec(readFileSync(new URL('former/version-1.sql', import.meta.url), 'utf8'));
  database.close();
  return path;
}

const ada = new OAuthToken({ userSignature: { name: 'ada' }, clientId: 'c1' });

test('a database of the former version keeps every record, and takes the new fields', async () => {
  await using store = new SqliteTokenStore({ path: formerDatabase() });
  const [first, ...others] = await store.getTokens();
  expect(first?.toRecord()).toEqual({
    id: 'given',
    userName: 'ada',
    clientId: 'c1',
    clientSecret: 's',
    refreshToken: '1000.ada',
    accessToken: '1000.access',
    expiresAt: 1_900_000_000_000,
    scope: 'second save',
    extra: { instance: 'é\0', nested: [1, null] },
    version: 2,
  });
  expect(others.map(({ clientId, grantToken }) => clientId ?? grantToken)).toEqual([
    'c2',
    'grant of nobody',
  ]);
  await store.saveToken(ada.with({ issuer: 'https://issuer', resource: 'r', lease: 'l' }));
  expect(await store.findToken(ada)).toMatchObject({ version: 3, issuer: 'https://issuer' });
  await store.deleteToken('given');
  await expect(
    store.saveToken(ada.with({ id: 'given', refreshToken: 'n' })),
  ).resolves.toMatchObject({
    version: 4,
  });
});

test('S2 two handles migrate it at once, and the former version refuses it then', async () => {
  const path = formerDatabase();
  const stores = [new SqliteTokenStore({ path }), new SqliteTokenStore({ path })];
  await Promise.all(stores.map((store) => store.ready()));
  for (const store of stores) expect(await store.getTokens()).toHaveLength(3);
  await Promise.all(stores.map((store) => store.close()));
  const versions = new Database(path).prepare('SELECT version FROM tokenkeep_schema').all();
  // It takes a table of a higher version than 1 for SCHEMA_UNKNOWN.
  expect(versions).toEqual([{ version: 2 }]);
});
