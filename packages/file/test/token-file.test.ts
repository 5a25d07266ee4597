import {
  chmodSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { OAuthToken, TokenStoreError } from '@tokenkeep/core';
import { FileTokenStore, type FileTokenStoreOptions } from '@tokenkeep/file';
import { freshFolder } from '@tokenkeep/path-checks';
import { tryLock } from 'fs-native-extensions';
import { describe, expect, test } from 'vitest';

const ada = new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.ada' });
const bob = new OAuthToken({ userSignature: { name: 'bob' }, refreshToken: '1000.bob' });

async function fileWith(...tokens: OAuthToken[]): Promise<string> {
  const path = join(freshFolder(), 'tokens.json');
  const store = new FileTokenStore({ path });
  for (const token of tokens) await store.saveToken(token);
  await store.close();
  return path;
}

test.each<[option: string, options: FileTokenStoreOptions]>([
  ['path', { path: '' }],
  ['path', { path: 'tokens.json\0' }],
  ['path', { path: 'tokens/' }],
  ['timeout', { path: 'tokens.json', timeout: -1 }],
  ['timeout', { path: 'tokens.json', timeout: 0.5 }],
  // What JavaScript callers may give.
  ['path', JSON.parse('{}')],
  ['path', JSON.parse('{ "path": 5 }')],
])('a wrong option is refused by its name: %s %#', (option, options) => {
  const construct = () => new FileTokenStore(options);
  expect(construct).toThrow(TokenStoreError);
  expect(construct).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
  expect(construct).toThrow(`The option ${option} `);
});

describe('the file', () => {
  test('is JSON with one line for each record', async () => {
    const path = await fileWith(ada.with({ id: '1' }), bob.with({ id: '2' }));
    const text = readFileSync(path, 'utf8');
    expect(JSON.parse(text)).toEqual({
      tokenkeep: 2,
      revision: expect.stringMatching(/^[0-9a-f]{32}$/),
      deletedVersion: 0,
      records: [
        { id: '1', userName: 'ada', refreshToken: '1000.ada', version: 1 },
        { id: '2', userName: 'bob', refreshToken: '1000.bob', version: 1 },
      ],
    });
    expect(text.split('\n')).toHaveLength(6 + 1);
  });

  test('becomes private with the next save if it was made readable for others', async () => {
    const path = await fileWith(ada);
    chmodSync(path, 0o644);
    await using store = new FileTokenStore({ path });
    await store.saveToken(bob);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  test('leaves nothing beside it but its lock, even if a writer was killed', async () => {
    const path = await fileWith(ada);
    writeFileSync(`${path}.tokenkeep-tmp`, '{"tokenkeep":1,"revision":"0');
    await using store = new FileTokenStore({ path });
    expect(await store.getTokens()).toHaveLength(1);
    await store.saveToken(bob);
    expect(readdirSync(join(path, '..')).toSorted()).toEqual(['tokens.json', 'tokens.json.lock']);
  });

  test('is not written by what changes nothing', async () => {
    const path = await fileWith(ada);
    const before = readFileSync(path);
    await using store = new FileTokenStore({ path });
    await store.deleteToken('unknown');
    await expect(store.saveToken(ada, { ifVersion: 9 })).rejects.toMatchObject({
      code: 'VERSION_CONFLICT',
    });
    expect(readFileSync(path)).toEqual(before);
  });

  test('that is deleted is an empty store', async () => {
    const path = await fileWith(ada);
    await using store = new FileTokenStore({ path });
    expect(await store.getTokens()).toHaveLength(1);
    rmSync(path);
    expect(await store.getTokens()).toEqual([]);
    await store.saveToken(bob);
    expect(await store.getTokens()).toHaveLength(1);
  });

  test('is read again after another store wrote it, though its size and time are the same', async () => {
    const path = await fileWith(ada.with({ accessToken: 'a' }));
    await using reader = new FileTokenStore({ path });
    await using writer = new FileTokenStore({ path });
    const at = new Date(0);
    utimesSync(path, at, at);
    expect((await reader.findToken(ada))?.accessToken).toBe('a');
    await writer.saveToken(ada.with({ accessToken: 'b' }));
    utimesSync(path, at, at);
    expect((await reader.findToken(ada))?.accessToken).toBe('b');
  });

  test('is read again after it was edited by hand', async () => {
    const path = await fileWith(ada.with({ accessToken: 'a' }));
    await using store = new FileTokenStore({ path });
    expect((await store.findToken(ada))?.accessToken).toBe('a');
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace('"accessToken":"a"', '"accessToken":"edited"'),
    );
    expect((await store.findToken(ada))?.accessToken).toBe('edited');
  });
});

describe('many records', () => {
  const linesOf = (count: number) =>
    Array.from({ length: count }, (_, n) =>
      JSON.stringify({ id: `${n}`, userName: `${n}`, refreshToken: `r${n}`, version: 1 }),
    );
  const write = (path: string, count: number) =>
    writeFileSync(
      path,
      `{"tokenkeep":2,"revision":"${'0'.repeat(32)}","deletedVersion":0,"records":[${linesOf(count)}]}`,
    );

  test('more than 10,000 are warned of, once', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error) => warnings.push(warning);
    process.on('warning', listen);
    const path = join(freshFolder(), 'tokens.json');
    write(path, 9_999);
    await using store = new FileTokenStore({ path });
    await store.saveToken(ada);
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings).toEqual([]);
    await store.saveToken(bob);
    await store.saveToken(bob);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(warnings).toEqual([
      expect.objectContaining({
        code: 'TOKENKEEP_FILE_RECORDS',
        message: expect.stringMatching(/10001 records.*@tokenkeep\/sqlite/),
      }),
    ]);
  });
});

test('a folder that was replaced by a link takes no saves', async () => {
  const path = await fileWith(ada);
  const [folder, elsewhere] = [join(path, '..'), freshFolder()];
  await using store = new FileTokenStore({ path });
  await store.saveToken(ada);
  renameSync(folder, `${folder}-moved`);
  symlinkSync(elsewhere, folder);
  await expect(store.saveToken(bob)).rejects.toMatchObject({ code: 'PATH_UNUSABLE' });
  expect(readdirSync(elsewhere)).toEqual([]);
});

test('a link in the place of the lock is not followed', async () => {
  const path = await fileWith(ada);
  const target = join(freshFolder(), 'target');
  rmSync(`${path}.lock`);
  symlinkSync(target, `${path}.lock`);
  await using store = new FileTokenStore({ path });
  await expect(store.saveToken(bob)).rejects.toMatchObject({ code: 'PATH_UNUSABLE' });
  expect(existsSync(target)).toBe(false);
});

test('finds one after the other let timers have their turn', async () => {
  await using store = new FileTokenStore({ path: await fileWith(ada) });
  await store.ready();
  let hasCome = false;
  setTimeout(() => {
    hasCome = true;
  });
  for (let calls = 0; calls < 50_000 && !hasCome; calls += 1) await store.findToken(ada);
  expect(hasCome).toBe(true);
});

describe('a damaged file', () => {
  const record = { id: 'r', version: 1, refreshToken: 'secret' };
  const whole = { tokenkeep: 1, revision: '0'.repeat(32), records: [record] };
  test.each<[title: string, code: string, content: string | Buffer]>([
    ['nothing in it', 'RECORD_CORRUPT', ''],
    ['its end is missing', 'RECORD_CORRUPT', JSON.stringify(whole).slice(0, -9)],
    ['bytes that are not UTF-8', 'RECORD_CORRUPT', Buffer.from([0x22, 0xff, 0x22])],
    ['no records', 'RECORD_CORRUPT', JSON.stringify({ ...whole, records: null })],
    ['no revision', 'RECORD_CORRUPT', JSON.stringify({ ...whole, revision: null })],
    ['a record that is none', 'RECORD_CORRUPT', JSON.stringify({ ...whole, records: [7] })],
    [
      'a record without an id',
      'RECORD_CORRUPT',
      JSON.stringify({ ...whole, records: [{ ...record, id: null }] }),
    ],
    [
      'a record without a version',
      'RECORD_CORRUPT',
      JSON.stringify({ ...whole, records: [{ ...record, version: null }] }),
    ],
    [
      'a record with a number for a text',
      'RECORD_CORRUPT',
      JSON.stringify({ ...whole, records: [{ ...record, scope: 5 }] }),
    ],
    [
      'a record with a field that is unknown',
      'RECORD_CORRUPT',
      JSON.stringify({ ...whole, records: [{ ...record, x: 5 }] }),
    ],
    [
      'two records with one id',
      'RECORD_CORRUPT',
      JSON.stringify({ ...whole, records: [record, record] }),
    ],
    ['another format', 'SCHEMA_UNKNOWN', '{"name":"my-app","dependencies":{}}'],
    ['a list', 'SCHEMA_UNKNOWN', '[]'],
    ['a later version', 'SCHEMA_UNKNOWN', JSON.stringify({ ...whole, tokenkeep: 3 })],
  ])('is refused by reads and saves, and left as it is: %s, %s', async (_title, code, content) => {
    const path = join(freshFolder(), 'tokens.json');
    writeFileSync(path, content);
    const store = new FileTokenStore({ path });
    await expect(store.ready()).rejects.toMatchObject({ code });
    await expect(store.findToken(ada)).rejects.toMatchObject({ code, operation: 'findToken' });
    const refusal: unknown = await store.saveToken(ada).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ code, operation: 'saveToken' });
    expect(String(refusal)).not.toContain('secret');
    await store.close();
    expect(readFileSync(path)).toEqual(Buffer.from(content));
  });

  test('is noticed while the store is open, and used again once it is repaired', async () => {
    const path = await fileWith(ada);
    await using store = new FileTokenStore({ path });
    expect(await store.getTokens()).toHaveLength(1);
    const good = readFileSync(path);
    writeFileSync(path, good.subarray(0, -20));
    await expect(store.getTokens()).rejects.toMatchObject({ code: 'RECORD_CORRUPT' });
    await expect(store.saveToken(bob)).rejects.toMatchObject({ code: 'RECORD_CORRUPT' });
    await expect(store.deleteTokens()).rejects.toMatchObject({ code: 'RECORD_CORRUPT' });
    expect(readFileSync(path)).toEqual(good.subarray(0, -20));
    writeFileSync(path, good);
    expect(await store.saveToken(bob)).toMatchObject({ version: 1 });
    expect(await store.getTokens()).toHaveLength(2);
  });
});

describe('the lock', () => {
  test('of a process that does not let go is told with STORE_BUSY, and reads go on', async () => {
    const path = await fileWith(ada);
    await using store = new FileTokenStore({ path, timeout: 30 });
    const lock = await open(`${path}.lock`, 'r+');
    expect(tryLock(lock.fd)).toBe(true);
    await expect(store.saveToken(bob)).rejects.toMatchObject({
      code: 'STORE_BUSY',
      retryable: true,
    });
    expect(await store.getTokens()).toHaveLength(1);
    await lock.close();
    expect(await store.saveToken(bob)).toMatchObject({ version: 1 });
  });

  test('may be deleted between saves, and is made again', async () => {
    const path = await fileWith(ada);
    const [first, second] = [new FileTokenStore({ path }), new FileTokenStore({ path })];
    for (let round = 0; round < 20; round += 1) {
      const users = [`${round} of first`, `${round} of second`];
      const [ofFirst, ofSecond] = users.map((name) =>
        bob.with({ userSignature: { name }, refreshToken: name }),
      );
      await Promise.all([first.saveToken(ofFirst ?? bob), second.saveToken(ofSecond ?? bob)]);
      await rm(`${path}.lock`);
    }
    expect(await first.getTokens()).toHaveLength(41);
    await Promise.all([first.close(), second.close()]);
  });
});

test('saves at the same time share a writing, and one that is refused does not fail the others', async () => {
  const path = await fileWith(ada);
  await using store = new FileTokenStore({ path });
  const results = await Promise.allSettled([
    store.saveToken(bob),
    store.saveToken(ada, { ifVersion: 7 }),
    store.saveToken(ada.with({ accessToken: 'a' })),
  ]);
  expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  await using other = new FileTokenStore({ path });
  expect((await other.getTokens()).map((token) => token.version)).toEqual([2, 1]);
});
