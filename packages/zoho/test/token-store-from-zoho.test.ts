import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OAuthToken, type TokenStore } from '@tokenkeep/core';
import { MemoryTokenStore } from '@tokenkeep/memory';
import { tokenStoreFromZoho, zohoTokenStore } from '@tokenkeep/zoho';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSdk, sdkNames } from './sdks.ts';

describe.each(sdkNames)('the FileStore of %s', async (name) => {
  const sdk = await loadSdk(name);
  let folder: string;
  let path: string;
  let store: TokenStore;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'zoho-'));
    path = join(folder, 'sdk_tokens.txt');
    store = tokenStoreFromZoho(new sdk.FileStore(path), sdk);
  });
  afterEach(() => rm(folder, { recursive: true }));

  const ada = new OAuthToken({
    userSignature: { name: 'ada@example.com:60001' },
    clientId: 'client',
    clientSecret: 'secret',
    redirectUrl: 'https://example.com/back',
    grantToken: 'grant',
    refreshToken: 'refresh',
    accessToken: 'access',
    apiDomain: 'https://www.zohoapis.com',
    expiresAt: 1_900_000_000_000,
  });
  const bob = new OAuthToken({ userSignature: { name: 'bob' }, refreshToken: "bob's" });

  test('keeps a token, and finds it by what it holds', async () => {
    const saved = await store.saveToken(ada);
    expect(saved.toRecord()).toEqual({ ...ada.toRecord(), id: '1' });
    const byUser = new OAuthToken({ userSignature: ada.userSignature });
    expect(await store.findToken(byUser)).toEqual(saved);
    expect(await store.findTokenById('1')).toEqual(saved);
    expect(await store.getTokens()).toEqual([saved]);
  });

  test('gives the record as it is, not mixed with what was asked by', async () => {
    const saved = await store.saveToken(bob);
    const found = await store.findToken(bob.with({ accessToken: 'not stored' }));
    expect(found?.toRecord()).toEqual(saved.toRecord());
  });

  test('of another SDK than was handed in is an error, and not empty', async () => {
    const { id = '' } = await store.saveToken(ada);
    const other = await loadSdk(sdkNames.find((each) => each !== name) ?? name);
    const mixed = tokenStoreFromZoho(new sdk.FileStore(path) as never, other);
    for (const call of [mixed.getTokens(), mixed.findTokenById(id), mixed.deleteToken(id)]) {
      await expect(call).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    }
  });

  test('gives null where there is nothing', async () => {
    expect(await store.findToken(ada)).toBeNull();
    expect(await store.findTokenById('1')).toBeNull();
    expect(await store.getTokens()).toEqual([]);
  });

  test('forgets one token, or all; one that is not there does not matter', async () => {
    const { id = '' } = await store.saveToken(ada);
    await store.saveToken(bob);
    await store.deleteToken('unknown');
    await store.deleteToken(id);
    expect((await store.getTokens()).map((token) => token.userSignature?.name)).toEqual(['bob']);
    await store.deleteTokens();
    expect(await store.getTokens()).toEqual([]);
  });

  test('is imported into another store in three lines', async () => {
    await store.saveToken(ada);
    await store.saveToken(bob);
    const target = new MemoryTokenStore();
    for (const token of await store.getTokens()) await target.saveToken(token);
    expect(await target.getTokens()).toMatchObject([
      { id: '1', userSignature: ada.userSignature },
      { id: '2', userSignature: bob.userSignature },
    ]);
    expect((await target.findToken(bob))?.refreshToken).toBe("bob's");
  });

  test('a line that its commas have spoilt is not imported as if it were a token', async () => {
    const spoilt = { code: 'RECORD_CORRUPT', message: expect.stringContaining('"1"') };
    await expect(store.saveToken(ada.with({ clientSecret: 'a,b' }))).rejects.toMatchObject(spoilt);
    await expect(store.getTokens()).rejects.toMatchObject(spoilt);
    expect(await readFile(path, 'utf8')).toContain('a,b');
  });

  test('a file that can not be read is an error, and not an empty store', async () => {
    await rm(path);
    for (const call of [store.getTokens(), store.findToken(ada), store.findTokenById('1')]) {
      await expect(call).rejects.toMatchObject({
        code: 'STORAGE_FAILED',
        operation: expect.stringMatching(/Token/),
        message: expect.not.stringContaining(path),
      });
    }
  });

  test.each([{ ifVersion: 0 }, { ifExists: true }, { clear: ['scope'] as const }])(
    'what it can not promise is refused: %j',
    async (options) => {
      await expect(store.saveToken(ada, options)).rejects.toMatchObject({
        code: 'INVALID_TOKEN',
        field: Object.keys(options)[0],
      });
      expect(await store.getTokens()).toEqual([]);
    },
  );

  test('a delete by version is refused, too', async () => {
    const { id = '' } = await store.saveToken(ada);
    await expect(store.deleteToken(id, { ifVersion: 1 })).rejects.toMatchObject({
      code: 'INVALID_TOKEN',
      field: 'ifVersion',
    });
    expect(await store.getTokens()).toHaveLength(1);
  });

  test('closed, it takes no more calls', async () => {
    await store.close();
    await store.close();
    await expect(store.getTokens()).rejects.toMatchObject({ code: 'STORE_CLOSED' });
  });
});

describe.each(sdkNames)('a bridge there and back over %s', async (name) => {
  const sdk = await loadSdk(name);

  test('loses nothing that the SDK knows', async () => {
    const store = new MemoryTokenStore();
    const back = tokenStoreFromZoho(zohoTokenStore(store, sdk), sdk);
    const saved = await back.saveToken(
      new OAuthToken({
        userSignature: { name: 'a,b\n' },
        clientId: 'client',
        clientSecret: 'secret',
        refreshToken: 'refresh',
        accessToken: 'access',
        expiresAt: 1_900_000_000_000,
      }),
    );
    const [record] = await store.getTokens();
    expect(record?.toRecord()).toEqual({ ...saved.toRecord(), version: 1 });
    expect(await back.findToken(new OAuthToken({ refreshToken: 'refresh' }))).toEqual(saved);
    await back.deleteToken('unknown');
    expect(await back.findTokenById('unknown')).toBeNull();
  });

  test('a store like DBStore, which gives null for none and sets no id on an update', async () => {
    const rows = new MemoryTokenStore();
    const inner = zohoTokenStore(rows, sdk);
    type Token = InstanceType<typeof sdk.OAuthToken>;
    const dbStoreLike = {
      findToken: (token: Token) => inner.findToken(token),
      findTokenById: (id: string) => inner.findTokenById(id),
      async saveToken(token: Token) {
        const isUpdate = (await rows.getTokens()).length > 0;
        await inner.saveToken(token);
        if (isUpdate) token.setId(null);
      },
      deleteToken: (id: string) => inner.deleteToken(id),
      async getTokens() {
        const tokens = await inner.getTokens();
        return tokens.length === 0 ? null : tokens;
      },
      deleteTokens: () => inner.deleteTokens(),
    };
    const store = tokenStoreFromZoho(dbStoreLike, sdk);
    expect(await store.getTokens()).toEqual([]);
    const token = new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: 'refresh' });
    const { id } = await store.saveToken(token);
    const updated = await store.saveToken(token.with({ accessToken: 'access' }));
    expect(updated).toMatchObject({ id, refreshToken: 'refresh', accessToken: 'access' });
  });
});
