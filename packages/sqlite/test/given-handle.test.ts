import { DatabaseSync } from 'node:sqlite';
import { setTimeout as after } from 'node:timers/promises';
import { OAuthToken } from '@tokenkeep/core';
import { freshFolder } from '@tokenkeep/path-checks';
import { SqliteTokenStore } from '@tokenkeep/sqlite';
import Database from 'better-sqlite3';
import { describe, expect, test } from 'vitest';

const ada = new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.ada' });

describe('a handle of the caller', () => {
  test('is left open by close, and keeps its settings, but for secure_delete', async () => {
    const database = new Database(':memory:');
    database.pragma('secure_delete = OFF');
    database.pragma('synchronous = OFF');
    const first = new SqliteTokenStore({ database });
    const second = new SqliteTokenStore({ database, table: 'other' });
    await first.saveToken(ada);
    expect(await second.getTokens()).toEqual([]);
    await first.close();
    await second.close();
    expect(database.pragma('secure_delete', { simple: true })).toBe(1);
    expect(database.pragma('synchronous', { simple: true })).toBe(0);
    expect(database.open).toBe(true);
    expect(database.prepare('SELECT user_name, refresh_token FROM oauthtoken').all()).toEqual([
      { user_name: 'ada', refresh_token: '1000.ada' },
    ]);
  });

  test('may give big integers by default', async () => {
    const database = new Database(':memory:').defaultSafeIntegers(true);
    await using store = new SqliteTokenStore({ database });
    for (const expiresAt of [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, -1, 0]) {
      const saved = await store.saveToken(ada.with({ expiresAt }));
      expect((await store.findToken(ada))?.expiresAt).toBe(expiresAt);
      expect(saved.expiresAt).toBe(expiresAt);
    }
  });

  test('that was closed is refused with HANDLE_CLOSED, before and after the store opened', async () => {
    const database = new Database(':memory:');
    const early = new SqliteTokenStore({ database });
    const late = new SqliteTokenStore({ database });
    await late.ready();
    database.close();
    for (const store of [early, late]) {
      await expect(store.findToken(ada)).rejects.toMatchObject({
        code: 'HANDLE_CLOSED',
        operation: 'findToken',
      });
      await expect(store.saveToken(ada)).rejects.toMatchObject({
        code: 'HANDLE_CLOSED',
        operation: 'saveToken',
      });
      await expect(store.deleteToken('1')).rejects.toMatchObject({ code: 'HANDLE_CLOSED' });
      await store.close();
    }
  });

  test('in a transaction of its owner is waited for, and then refused with STORE_BUSY', async () => {
    const database = new Database(':memory:');
    await using patient = new SqliteTokenStore({ database });
    await using hasty = new SqliteTokenStore({ database, timeout: 20 });
    await Promise.all([patient.ready(), hasty.ready()]);

    database.exec('BEGIN');
    await expect(hasty.saveToken(ada)).rejects.toMatchObject({
      code: 'STORE_BUSY',
      retryable: true,
    });
    const saving = patient.saveToken(ada);
    expect(await Promise.race([saving, after(20, 'waiting')])).toBe('waiting');
    database.exec('ROLLBACK');
    await saving;
    expect(await hasty.findToken(ada)).toMatchObject({ version: 1 });
    expect(database.inTransaction).toBe(false);
  });

  test('in the middle of an iteration of its owner is waited for', async () => {
    const database = new Database(':memory:');
    await using store = new SqliteTokenStore({ database });
    await store.ready();
    const rows = database.prepare('SELECT 1 UNION ALL SELECT 2').iterate();
    rows.next();
    const saving = store.saveToken(ada);
    expect(await Promise.race([saving, after(20, 'waiting')])).toBe('waiting');
    rows.return?.();
    expect(await saving).toMatchObject({ version: 1 });
  });

  test('that is read-only can be read, and refuses saves with READ_ONLY', async () => {
    const path = `${freshFolder()}/tokens.db`;
    await using writer = new SqliteTokenStore({ path });
    await writer.saveToken(ada);
    const database = new Database(path, { readonly: true });
    await using reader = new SqliteTokenStore({ database });
    expect(await reader.findToken(ada)).toMatchObject({ version: 1 });
    await expect(reader.saveToken(ada)).rejects.toMatchObject({ code: 'READ_ONLY' });
    await expect(reader.deleteTokens()).rejects.toMatchObject({ code: 'READ_ONLY' });
    expect(database.inTransaction).toBe(false);
    database.close();
  });

  test('keeps its journal mode', async () => {
    const database = new Database(`${freshFolder()}/tokens.db`);
    await using store = new SqliteTokenStore({ database });
    await store.saveToken(ada);
    expect(database.pragma('journal_mode', { simple: true })).toBe('delete');
    database.close();
  });
});

test('a handle of node:sqlite does as well, or is refused where it cuts strings at a NUL', async () => {
  const database = new DatabaseSync(':memory:');
  const text = database.prepare("SELECT 'a' || char(0) AS text").get()?.['text'];
  const store = new SqliteTokenStore({ database });
  const outcome = await store
    .saveToken(ada.with({ expiresAt: Number.MAX_SAFE_INTEGER }))
    .catch((error) => error);
  expect(outcome).toMatchObject(
    text === 'a\0'
      ? { version: 1, expiresAt: Number.MAX_SAFE_INTEGER }
      : { code: 'INVALID_OPTION' },
  );
  await store.close();
  database.close();
});
