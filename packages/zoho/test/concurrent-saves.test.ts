import { inspect } from 'node:util';
import { OAuthToken, TokenStoreError } from '@tokenkeep/core';
import { MemoryTokenStore } from '@tokenkeep/memory';
import { unsavedToken, zohoTokenStore } from '@tokenkeep/zoho';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadSdk, type Sdk, sdkNames } from './sdks.ts';

type SdkToken = InstanceType<Sdk['OAuthToken']>;

const now = Date.now();
const login = {
  userSignature: { name: 'ada' },
  clientId: 'client',
  clientSecret: 'secret',
  refreshToken: 'refresh 1',
  accessToken: 'access 1',
  expiresAt: now - 1000,
};

/** What happens to a record between the SDK's reading it and its saving what it got meanwhile. */
describe.each(sdkNames)('a refresh under %s', async (name) => {
  const sdk = await loadSdk(name);
  let store: MemoryTokenStore;
  let id: string;
  beforeEach(async () => {
    store = new MemoryTokenStore();
    id = (await store.saveToken(new OAuthToken(login))).id ?? '';
  });

  const stored = async () => (await store.getTokens()).map((record) => record.toRecord());

  /** As the SDK does it, with an object of its own or with the program's. */
  const reads: [string, (bridge: ReturnType<typeof bridgeOf>) => Promise<SdkToken | null>][] = [
    ['by id', (bridge) => bridge.findTokenById(id)],
    [
      'by user',
      (bridge) =>
        bridge.findToken(
          new sdk.OAuthBuilder().userSignature(new sdk.UserSignature('ada')).build(),
        ),
    ],
    ['from the list', async (bridge) => (await bridge.getTokens())[0] ?? null],
  ];
  const bridgeOf = () => zohoTokenStore(store, sdk, { retryDelays: [1] });

  describe.each(reads)('of a record that was read %s', (_how, read) => {
    test('is saved', async () => {
      const bridge = bridgeOf();
      const token = await read(bridge);
      token?.setAccessToken('access 2');
      token?.setExpiresIn(String(now + 3_600_000));
      if (token) await bridge.saveToken(token);
      const { userSignature, ...others } = login;
      expect(await stored()).toEqual([
        {
          ...others,
          userName: 'ada',
          id,
          accessToken: 'access 2',
          expiresAt: now + 3_600_000,
          version: 2,
        },
      ]);
    });

    test('does not write over a newer login', async () => {
      const bridge = bridgeOf();
      const token = await read(bridge);
      const newer = { refreshToken: 'refresh 2', accessToken: 'access 2', expiresAt: now + 10_000 };
      await store.saveToken(new OAuthToken({ ...login, ...newer }));
      const before = await stored();
      token?.setAccessToken('access of the old login');
      token?.setExpiresIn(String(now + 3_600_000));
      if (token) await bridge.saveToken(token);
      expect(await stored()).toEqual(before);
      // The SDK goes on with what is stored.
      const { expiresAt, ...tokens } = newer;
      expect(token).toMatchObject({ ...tokens, expiresIn: String(expiresAt), id });
    });

    test('does not undo a logout, and says that it was one', async () => {
      const bridge = bridgeOf();
      const token = await read(bridge);
      token?.setAccessToken('access 2');
      await store.deleteToken(id);
      await expect(token && bridge.saveToken(token)).rejects.toMatchObject({
        code: 'VERSION_CONFLICT',
        retryable: false,
        message: expect.stringMatching(/was deleted .* log in again/),
      });
      expect(await stored()).toEqual([]);
    });

    test('does not write into a login that came after a logout', async () => {
      const bridge = bridgeOf();
      const token = await read(bridge);
      token?.setAccessToken('access 2');
      await store.deleteToken(id);
      const again = { ...login, refreshToken: 'refresh 2', accessToken: 'of the new login' };
      await store.saveToken(new OAuthToken(again));
      const before = await stored();
      await expect(token && bridge.saveToken(token)).rejects.toMatchObject({
        code: 'VERSION_CONFLICT',
      });
      expect(await stored()).toEqual(before);
    });

    test('is saved over a change of other fields, which stays', async () => {
      const bridge = bridgeOf();
      const token = await read(bridge);
      await store.saveToken(new OAuthToken({ id, scope: 'read', clientSecret: 'secret 2' }));
      token?.setAccessToken('access 2');
      token?.setExpiresIn(String(now + 3_600_000));
      if (token) await bridge.saveToken(token);
      expect(await stored()).toMatchObject([
        { id, accessToken: 'access 2', scope: 'read', clientSecret: 'secret 2', version: 3 },
      ]);
    });

    test.each([
      ['a later one stays', now + 7_200_000, 'access of another'],
      ['an earlier one goes', now + 10_000, 'access 2'],
    ])('beside another refresh: %s', async (_case, expiresAt, left) => {
      const bridge = bridgeOf();
      const token = await read(bridge);
      await store.saveToken(new OAuthToken({ id, accessToken: 'access of another', expiresAt }));
      token?.setAccessToken('access 2');
      token?.setExpiresIn(String(now + 3_600_000));
      if (token) await bridge.saveToken(token);
      expect(await stored()).toMatchObject([{ id, accessToken: left }]);
      expect(token?.getAccessToken()).toBe(left);
    });

    test('that rotated the refresh token is saved beside another that did not', async () => {
      const bridge = bridgeOf();
      const token = await read(bridge);
      const other = { accessToken: 'access of another', expiresAt: now + 7_200_000 };
      await store.saveToken(new OAuthToken({ id, ...other }));
      token?.setAccessToken('access 2');
      token?.setRefreshToken('refresh 2');
      token?.setExpiresIn(String(now + 3_600_000));
      if (token) await bridge.saveToken(token);
      expect(await stored()).toMatchObject([
        { id, accessToken: 'access 2', refreshToken: 'refresh 2' },
      ]);
    });

    test('whose answer was lost is taken for what it was: saved', async () => {
      const bridge = bridgeOf();
      const token = await read(bridge);
      token?.setAccessToken('access 2');
      const save = store.saveToken.bind(store);
      let saves = 0;
      store.saveToken = async (...given) => {
        saves += 1;
        const saved = await save(...given);
        if (saves > 1) return saved;
        throw new TokenStoreError('TIMEOUT', 'It took too long.', { retryable: true });
      };
      if (token) await bridge.saveToken(token);
      expect(await stored()).toMatchObject([{ accessToken: 'access 2', version: 2 }]);
    });

    test('that can not be saved is in the error, not shown by inspection', async () => {
      const bridge = bridgeOf();
      const token = await read(bridge);
      token?.setAccessToken('the access token');
      token?.setExpiresIn(String(now + 3_600_000));
      const save = store.saveToken.bind(store);
      store.saveToken = () => Promise.reject(new TokenStoreError('STORAGE_FULL', 'It is full.'));
      const failure = await (token && bridge.saveToken(token))?.catch((error: unknown) => error);
      expect(failure).toMatchObject({
        code: 'STORAGE_FULL',
        operation: 'saveToken',
        message: expect.stringMatching(/in memory only.* unsavedToken\(exception\)/),
      });
      const shown = inspect(failure, { showHidden: true, getters: true, customInspect: false });
      expect(shown).not.toContain('the access token');
      store.saveToken = save;
      const unsaved = unsavedToken(failure);
      if (unsaved) await store.saveToken(unsaved);
      expect(await stored()).toMatchObject([
        {
          userName: 'ada',
          refreshToken: 'refresh 1',
          id,
          accessToken: 'the access token',
          expiresAt: now + 3_600_000,
        },
      ]);
    });
  });

  test('that failed for another reason has left nothing unsaved', () => {
    expect(unsavedToken(new Error('of another kind'))).toBeUndefined();
    expect(unsavedToken('no error')).toBeUndefined();
  });

  test('of a nameless record whose user has another leaves each under its id', async () => {
    const grant = { clientId: 'client', clientSecret: 'secret', grantToken: 'grant' };
    const nameless = await store.saveToken(
      new OAuthToken({ ...grant, refreshToken: 'refresh 3', accessToken: 'access 3' }),
    );
    const bridge = bridgeOf();
    // The SDK looks up who it is, and then saves it with the name.
    const token = await bridge.findTokenById(nameless.id ?? '');
    token.setUserSignature(new sdk.UserSignature('ada'));
    token.setAccessToken('access 4');
    await bridge.saveToken(token);
    expect(token.getId()).toBe(nameless.id);
    expect((await bridge.findTokenById(nameless.id ?? '')).getAccessToken()).toBe('access 4');
    expect((await bridge.findTokenById(id)).getAccessToken()).toBe('access 1');
    const saved = await stored();
    expect(saved).toHaveLength(2);
    expect(saved[1]).toMatchObject({ id: nameless.id, accessToken: 'access 4' });
    expect(saved[1]).not.toHaveProperty('userName');
  });
});
