import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { OAuthToken } from '@tokenkeep/core';
import { freshFolder } from '@tokenkeep/path-checks';
import { SqliteTokenStore } from '@tokenkeep/sqlite';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';

const ada = new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.ada' });
const bob = new OAuthToken({ userSignature: { name: 'bob' }, refreshToken: '1000.bob' });

describe('a database file', () => {
  test('has a write-ahead log, which is gone after close', async () => {
    const folder = freshFolder();
    const store = new SqliteTokenStore({ path: join(folder, 'tokens.db') });
    await store.saveToken(ada);
    expect(readdirSync(folder).toSorted()).toEqual(['tokens.db', 'tokens.db-shm', 'tokens.db-wal']);
    await store.close();
    expect(readdirSync(folder)).toEqual(['tokens.db']);
  });

  test('holds no secret any more after it was replaced or deleted, and the store closed', async () => {
    const folder = freshFolder();
    const path = join(folder, 'tokens.db');
    const store = new SqliteTokenStore({ path });
    const { id } = await store.saveToken(ada.with({ accessToken: 'first-secret' }));
    await store.saveToken(ada.with({ accessToken: 'second-secret' }));
    await store.saveToken(bob.with({ accessToken: 'third-secret' }));
    await store.deleteToken(id ?? '');
    await store.close();
    const bytes = readFileSync(path, 'latin1');
    expect(bytes).toContain('third-secret');
    expect(bytes).not.toContain('first-secret');
    expect(bytes).not.toContain('second-secret');
  });

  test('that was moved away while open takes no saves, until it is back', async () => {
    const folder = freshFolder();
    const path = join(folder, 'tokens.db');
    await using store = new SqliteTokenStore({ path });
    await store.saveToken(ada);
    renameSync(path, join(folder, 'moved'));
    await expect(store.saveToken(bob)).rejects.toMatchObject({ code: 'PATH_UNUSABLE' });
    writeFileSync(path, '');
    await expect(store.saveToken(bob)).rejects.toMatchObject({ code: 'PATH_UNUSABLE' });
    renameSync(join(folder, 'moved'), path);
    expect((await store.getTokens()).map((token) => token.userSignature?.name)).toEqual(['ada']);
    expect(await store.saveToken(bob)).toMatchObject({ version: 1 });
  });

  test('that is empty is an empty store', async () => {
    const path = join(freshFolder(), 'tokens.db');
    writeFileSync(path, '');
    await using store = new SqliteTokenStore({ path });
    expect(await store.getTokens()).toEqual([]);
    expect(await store.saveToken(ada)).toMatchObject({ version: 1 });
  });

  test('that was cut to nothing beside its log is refused, and the log is left', async () => {
    const folder = freshFolder();
    const path = join(folder, 'tokens.db');
    const store = new SqliteTokenStore({ path });
    await store.saveToken(ada);
    const log = readFileSync(`${path}-wal`);
    await store.close();
    writeFileSync(path, '');
    writeFileSync(`${path}-wal`, log);
    await using cut = new SqliteTokenStore({ path });
    await expect(cut.getTokens()).rejects.toMatchObject({
      code: 'RECORD_CORRUPT',
      message: expect.stringContaining(`${path}-wal`),
    });
    expect(readFileSync(`${path}-wal`)).toEqual(log);
  });

  test('may be given as a URL', async () => {
    const path = join(freshFolder(), 'tokens.db');
    await using store = new SqliteTokenStore({ path: pathToFileURL(path) });
    await store.saveToken(ada);
    expect(existsSync(path)).toBe(true);
  });

  test('that was cut short is refused with RECORD_CORRUPT', async () => {
    const path = join(freshFolder(), 'tokens.db');
    const store = new SqliteTokenStore({ path });
    await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        store.saveToken(ada.with({ userSignature: { name: `${i}` }, refreshToken: `${i}` })),
      ),
    );
    await store.close();
    truncateSync(path, 8192);
    const damaged = new SqliteTokenStore({ path });
    await expect(damaged.getTokens()).rejects.toMatchObject({
      code: 'RECORD_CORRUPT',
      driverCode: 'SQLITE_CORRUPT',
    });
    await damaged.close();
  });
});

describe('a damaged record', () => {
  test.each([
    ['extra that is no JSON', "extra = '{'"],
    ['extra that is no object', "extra = '[]'"],
    ['a version below 0', 'version = -5'],
    ['a version that no number of JavaScript can be', 'version = 9223372036854775807'],
    ['a time that no number of JavaScript can be', 'expiry_time = 9223372036854775807'],
    ['a text that is too long', "scope = printf('%.*c', 65537, 'x')"],
  ])('is refused by find and by save with RECORD_CORRUPT, and left: %s', async (_title, change) => {
    const database = new Database(':memory:');
    await using store = new SqliteTokenStore({ database });
    await store.saveToken(ada.with({ id: 'damaged' }));
    await store.saveToken(bob);
    database.exec(`UPDATE oauthtoken SET ${change} WHERE id = 'damaged'`);
    const before = database.prepare('SELECT * FROM oauthtoken').all();

    const refusal = { code: 'RECORD_CORRUPT', message: expect.stringContaining('"damaged"') };
    await expect(store.findToken(ada)).rejects.toMatchObject(refusal);
    await expect(store.getTokens()).rejects.toMatchObject(refusal);
    await expect(store.saveToken(ada.with({ tokenType: 'x' }))).rejects.toMatchObject(refusal);
    expect(database.prepare('SELECT * FROM oauthtoken').all()).toEqual(before);
    expect(await store.findToken(bob)).toMatchObject({ version: 1 });
  });
});

describe('saves that share a transaction', () => {
  test('do not fail for what is wrong with another', async () => {
    const database = new Database(':memory:');
    await using store = new SqliteTokenStore({ database });
    await store.saveToken(ada);
    const results = await Promise.allSettled([
      store.saveToken(bob),
      store.saveToken(ada, { ifVersion: 7 }),
      store.saveToken(ada.with({ accessToken: 'a' })),
    ]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await store.getTokens()).toHaveLength(2);
  });

  test('are tried one by one when the database has no room for all of them', async () => {
    const database = new Database(':memory:');
    await using store = new SqliteTokenStore({ database });
    await store.saveToken(ada);
    const pages = Number(database.pragma('page_count', { simple: true }));
    database.pragma(`max_page_count = ${pages + 3}`);
    const results = await Promise.allSettled([
      store.saveToken(ada.with({ accessToken: 'small' })),
      store.saveToken(bob.with({ accessToken: 'x'.repeat(60_000) })),
      store.saveToken(ada.with({ grantToken: 'small' })),
    ]);
    expect(results).toMatchObject([
      { status: 'fulfilled' },
      {
        status: 'rejected',
        reason: { code: 'STORAGE_FULL', retryable: true, driverCode: 'SQLITE_FULL' },
      },
      { status: 'fulfilled' },
    ]);
    expect(database.inTransaction).toBe(false);
    expect((await store.findToken(ada))?.toRecord()).toMatchObject({
      accessToken: 'small',
      grantToken: 'small',
      version: 3,
    });

    database.pragma(`max_page_count = ${pages + 100}`);
    expect(await store.saveToken(bob.with({ accessToken: 'x'.repeat(60_000) }))).toMatchObject({
      version: 1,
    });
  });
});

test('another connection that does not let go is told with STORE_BUSY', async () => {
  const path = join(freshFolder(), 'tokens.db');
  await using store = new SqliteTokenStore({ path, timeout: 30 });
  await store.saveToken(ada);
  const other = new Database(path);
  other.exec('BEGIN IMMEDIATE');
  await expect(store.saveToken(bob)).rejects.toMatchObject({
    code: 'STORE_BUSY',
    retryable: true,
    driverCode: 'SQLITE_BUSY',
  });
  expect(await store.findToken(ada)).toMatchObject({ version: 1 });
  other.exec('ROLLBACK');
  expect(await store.saveToken(bob)).toMatchObject({ version: 1 });
  other.close();
});

describe('calls one after the other', () => {
  /** Calls until a timer has had its turn; gives up where that does not come. */
  async function untilTimer(call: () => Promise<unknown>, most: number): Promise<boolean> {
    let hasCome = false;
    setTimeout(() => {
      hasCome = true;
    });
    for (let calls = 0; calls < most && !hasCome; calls += 1) await call();
    return hasCome;
  }

  test('let timers have their turn', async () => {
    await using store = new SqliteTokenStore({ path: ':memory:' });
    await store.saveToken(ada);
    expect(await untilTimer(() => store.findToken(ada), 200_000)).toBe(true);
    expect(await untilTimer(() => store.saveToken(ada), 50_000)).toBe(true);
  });

  test('and many at once do, too', async () => {
    await using store = new SqliteTokenStore({ path: ':memory:' });
    await store.saveToken(ada);
    let isDone = false;
    const finds = Array.from({ length: 10_000 }, () => store.findToken(ada));
    const all = Promise.all(finds).then(() => {
      isDone = true;
    });
    await new Promise((resolve) => setTimeout(resolve));
    expect(isDone).toBe(false);
    await all;
  });
});

test('deleteTokens lets another connection in after each hundred records', async () => {
  const path = join(freshFolder(), 'tokens.db');
  await using store = new SqliteTokenStore({ path });
  const names = Array.from({ length: 1_000 }, (_, n) => `user ${n}`);
  await Promise.all(
    names.map((name) => store.saveToken(ada.with({ userSignature: { name }, refreshToken: name }))),
  );
  await using other = new SqliteTokenStore({ path });
  await other.ready();
  const deleting = store.deleteTokens();
  // It has the lock from here on, and a save that has to wait is done before all are deleted.
  const saved = await other.saveToken(bob);
  const left = new Database(path).prepare('SELECT count(*) FROM oauthtoken').pluck().get();
  expect(left).toBeGreaterThan(1);
  await deleting;
  expect(await store.getTokens()).toEqual([saved]);
});
