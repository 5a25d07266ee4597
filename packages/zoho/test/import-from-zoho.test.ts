import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OAuthToken, TokenStoreError } from '@tokenkeep/core';
import { MemoryTokenStore } from '@tokenkeep/memory';
import { importFromZoho } from '@tokenkeep/zoho';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSdk, sdkNames } from './sdks.ts';

const header =
  'id,user_name,client_id,client_secret,refresh_token,access_token,grant_token,expiry_time,redirect_url,api_domain';

let folder: string;
let file: string;
let store: MemoryTokenStore;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zoho-'));
  file = join(folder, 'sdk_tokens.txt');
  store = new MemoryTokenStore();
});
afterEach(() => rm(folder, { recursive: true }));

const write = (...lines: string[]) => writeFile(file, [header, ...lines].join('\n'));
const stored = async () =>
  (await store.getTokens()).map((token) => {
    const { version, ...record } = token.toRecord();
    return record;
  });

test('a row is imported whole, under its id', async () => {
  await write('1,ada,client,secret,refresh,access,grant,1900000000000,https://a,https://api');
  expect(await importFromZoho({ file }, store)).toEqual({
    imported: 1,
    outdated: 0,
    known: 0,
    refused: [],
  });
  expect(await stored()).toEqual([
    {
      id: '1',
      userName: 'ada',
      clientId: 'client',
      clientSecret: 'secret',
      refreshToken: 'refresh',
      accessToken: 'access',
      grantToken: 'grant',
      expiresAt: 1_900_000_000_000,
      redirectUrl: 'https://a',
      apiDomain: 'https://api',
    },
  ]);
});

test('the file is left as it is, and of an older SDK or from Windows it is read, too', async () => {
  const text = `\ufeff${header.replace(',api_domain', '')}\r\n1,ada,c,,r,,,NaN,\r\n\r\n`;
  await writeFile(file, text);
  expect(await importFromZoho({ file }, store)).toMatchObject({ imported: 1, refused: [] });
  expect(await stored()).toEqual([{ id: '1', userName: 'ada', clientId: 'c', refreshToken: 'r' }]);
  expect(await readFile(file, 'utf8')).toBe(text);
});

test('of two records of one user and client the one that expires later is kept', async () => {
  await write(
    '1,ada,client,secret,refresh of 1,access of 1,,1900000000000,,',
    '2,ada,client,secret,refresh of 2,access of 2,grant of 2,1800000000000,https://a,',
    '3,ada,other client,secret,refresh of 3,access of 3,,1700000000000,,',
    '4,ada,client,secret,refresh of 4,access of 4,,,,',
  );
  expect(await importFromZoho({ file }, store)).toMatchObject({ imported: 2, outdated: 2 });
  expect(await stored()).toMatchObject([
    { id: '1', refreshToken: 'refresh of 1', accessToken: 'access of 1' },
    { id: '3', refreshToken: 'refresh of 3' },
  ]);
  // A login that is there in part is not completed from an older one, which may be revoked.
  expect((await stored())[0]).not.toHaveProperty('grantToken');
});

test('of two with one refresh token, and one without a name, too', async () => {
  await write(
    '1,,client,s,refresh,old,,1800000000000,,',
    '2,ada,client,s,refresh,new,,1900000000000,,',
  );
  expect(await importFromZoho({ file }, store)).toMatchObject({ imported: 1, outdated: 1 });
  expect(await stored()).toMatchObject([{ id: '2', userName: 'ada', accessToken: 'new' }]);
});

test('an access token that ends later, but can not be renewed, is not kept alone', async () => {
  await write('1,ada,c,s,refresh,access,,1800000000000,,', '2,ada,c,s,,other,,1900000000000,,');
  await importFromZoho({ file }, store);
  expect(await stored()).toMatchObject([
    { id: '1', refreshToken: 'refresh', accessToken: 'access' },
  ]);
});

test('rows that commas or line breaks have spoilt are told, and the others imported', async () => {
  await write(
    '1,ada,client,sec,ret,refresh,access,,1900000000000,https://a,',
    '2,bob,client,secret,refresh of bob,access,,1900000000000,,',
    '3,eve,client,sec',
    'ret,refresh of eve,access,,1900000000000,,',
    '4,fay,client,secret,refresh of fay,access,,soon,,',
    '5,gil,client,secret,refresh of gil,,,,,',
    '6,hal,client,secret,,,,,,',
  );
  const report = await importFromZoho({ file }, store);
  expect(report.imported).toBe(2);
  expect(report.refused).toEqual([
    { where: 'line 2 (id "1")', problem: expect.stringContaining('11 fields') },
    { where: 'line 4 (id "3")', problem: expect.stringContaining('4 fields') },
    // What stands first may be a part of a secret.
    { where: 'line 5', problem: expect.stringContaining('7 fields') },
    { where: 'line 6 (id "4")', problem: expect.stringContaining('expiry') },
    { where: 'line 8 (id "6")', problem: expect.stringContaining('nothing to add') },
  ]);
  expect(JSON.stringify(report)).not.toMatch(/refresh of|secret/);
  expect(await stored()).toMatchObject([{ userName: 'bob' }, { userName: 'gil' }]);
});

test.each([
  [
    'an expiry for a redirect address',
    '1,ada,client,sec,ret,refresh,access,,1900000000000,https://a',
  ],
  ['an API address that is none', '1,ada,client,secret,refresh,access,,,https://a?x=1,2'],
])('a row of the right length that is shifted: %s', async (_case, line) => {
  await write(line, '2,bob,client,secret,refresh of bob,,,,,');
  const report = await importFromZoho({ file }, store);
  expect(report).toMatchObject({ imported: 1, refused: [{ where: 'line 2 (id "1")' }] });
});

test.each([
  ['a path that is mistyped', () => rm(file), 'PATH_UNUSABLE'],
  [
    'a folder',
    async () => {
      file = folder;
    },
    'PATH_UNUSABLE',
  ],
  ['something else', () => writeFile(file, 'milk\neggs\n'), 'SCHEMA_UNKNOWN'],
  ['an empty file', () => writeFile(file, ''), 'SCHEMA_UNKNOWN'],
])('%s is an error, and makes no file', async (_case, prepare, code) => {
  await write();
  await prepare();
  const before = existsSync(file);
  await expect(importFromZoho({ file }, store)).rejects.toMatchObject({
    code,
    message: expect.stringContaining(JSON.stringify(file)),
  });
  expect(existsSync(file)).toBe(before);
});

describe('a second import, after the new store went live,', () => {
  beforeEach(async () => {
    await write(
      '1,ada,client,secret,refresh 1,access 1,,1900000000000,,',
      '2,,client,secret,refresh 2,access 2,grant 2,1900000000000,,',
    );
    await importFromZoho({ file }, store);
  });

  test('does not put the old tokens back', async () => {
    for (const id of ['1', '2']) {
      const renewed = { refreshToken: `rotated ${id}`, accessToken: `renewed ${id}` };
      await store.saveToken(new OAuthToken({ id, ...renewed, expiresAt: 1_800_000_000_000 }));
    }
    const before = await stored();
    expect(await importFromZoho({ file }, store)).toMatchObject({ imported: 0, known: 2 });
    expect(await stored()).toEqual(before);
  });

  test('does not disturb a new login of the same user', async () => {
    await store.deleteTokens();
    const login = { userSignature: { name: 'ada' }, clientId: 'client', refreshToken: 'new' };
    await store.saveToken(new OAuthToken(login));
    expect(await importFromZoho({ file }, store)).toMatchObject({ imported: 1, known: 1 });
    expect(await store.findToken(new OAuthToken(login))).toMatchObject({ refreshToken: 'new' });
  });

  test('from another file gives other users other ids', async () => {
    await write('1,bob,client,secret,refresh of bob,,,,,');
    expect(await importFromZoho({ file }, store)).toMatchObject({ imported: 1, known: 0 });
    const bob = await store.findToken(new OAuthToken({ userSignature: { name: 'bob' } }));
    expect(bob?.refreshToken).toBe('refresh of bob');
    expect(bob?.id).not.toBe('1');
    expect((await store.findTokenById('1'))?.userSignature?.name).toBe('ada');
  });
});

test('a store that fails ends it: it can be begun again', async () => {
  await write('1,ada,client,secret,refresh,,,,,');
  store.saveToken = () => Promise.reject(new TokenStoreError('STORAGE_FULL', 'It is full.'));
  await expect(importFromZoho({ file }, store)).rejects.toMatchObject({ code: 'STORAGE_FULL' });
});

describe.each(sdkNames)('from a store of %s', async (name) => {
  const sdk = await loadSdk(name);

  test('what it gives is imported; what is spoilt is told', async () => {
    await write(
      '1,ada,client,sec,ret,refresh,access,,1900000000000,https://a,',
      '2,bob,client,secret,refresh of bob,access,grant,1900000000000,https://a,https://api',
      '3,eve,client,secret,refresh of eve,access,grant,soon,https://a,',
      '4,bob,client,secret,stale,stale,grant,1800000000000,https://a,https://api',
    );
    const report = await importFromZoho({ store: new sdk.FileStore(file), sdk }, store);
    expect(report).toMatchObject({ imported: 1, outdated: 1 });
    expect(report.refused.map(({ where }) => where)).toEqual(['record "1"', 'record "3"']);
    expect(await stored()).toMatchObject([{ id: '2', refreshToken: 'refresh of bob' }]);
  });

  test('one that gives null for none is empty; one that fails or gives no list is an error', async () => {
    const none = { ...new sdk.FileStore(file), getTokens: async () => null } as never;
    expect(await importFromZoho({ store: none, sdk }, store)).toMatchObject({ imported: 0 });
    const broken = {
      ...new sdk.FileStore(file),
      getTokens: () => Promise.reject(new Error('a secret')),
    } as never;
    await expect(importFromZoho({ store: broken, sdk }, store)).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
      message: expect.not.stringContaining('secret'),
    });
    const odd = { ...new sdk.FileStore(file), getTokens: async () => 'tokens' } as never;
    await expect(importFromZoho({ store: odd, sdk }, store)).rejects.toMatchObject({
      code: 'STORAGE_FAILED',
    });
  });
});
