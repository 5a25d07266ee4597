import { OAuthToken } from '@tokenkeep/core';
import { type SqliteDatabase, SqliteTokenStore } from '@tokenkeep/sqlite';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';

/** Every combination of the keys that a token can have. */
function tokensWithEveryCombinationOfKeys(): OAuthToken[] {
  const keys = [
    { id: 'i' },
    { userSignature: { name: 'u' } },
    { accessToken: 'a' },
    { grantToken: 'g' },
    { refreshToken: 'r' },
  ];
  return Array.from({ length: 2 ** keys.length }, (_, bits) =>
    keys
      .filter((_key, place) => (bits >> place) & 1)
      .reduce((token, key) => token.with(key), new OAuthToken()),
  );
}

test('every lookup goes over an index, in a table that ANALYZE has seen small', async () => {
  const database = new Database(':memory:');
  const prepared = new Set<string>();
  const watched: SqliteDatabase = {
    prepare: (sql) => {
      prepared.add(sql);
      return database.prepare(sql);
    },
    exec: (sql) => database.exec(sql),
    close: () => database.close(),
  };
  const store = new SqliteTokenStore({ database: watched });
  const tokens = tokensWithEveryCombinationOfKeys();
  for (const token of tokens) {
    await store.findToken(token);
    await store.saveToken(token).catch(() => 'nothing to add');
  }
  await store.deleteToken('i');
  await store.getTokens();
  await store.deleteTokens();
  database.exec('ANALYZE');

  const onTable = [...prepared].filter((sql) => sql.includes('"oauthtoken"'));
  const plans = onTable.map((sql) => {
    const values = Array.from(sql.matchAll(/\?/g), () => null);
    const steps: unknown[] = database.prepare(`EXPLAIN QUERY PLAN ${sql}`).all(...values);
    return { sql, steps: steps.map((step) => String((step as { detail: unknown }).detail)) };
  });
  const scanning = plans.filter(({ steps }) => steps.some((step) => step.startsWith('SCAN')));
  expect(scanning).toEqual([]);
  expect(
    plans.flatMap(({ steps }) => steps).filter((step) => step.includes('TEMP B-TREE')),
  ).toEqual([]);
  // One statement for each combination of keys but none; one to put; to delete, one for the version
  // and one for the record; for pages one to read, one for the last position, one for the next.
  expect(onTable).toHaveLength(tokens.length - 1 + 6);
});
