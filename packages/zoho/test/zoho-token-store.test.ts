import { OAuthToken, TokenStoreError } from '@tokenkeep/core';
import { MemoryTokenStore } from '@tokenkeep/memory';
import { zohoTokenStore } from '@tokenkeep/zoho';
import { beforeEach, describe, expect, test } from 'vitest';
import { loadSdk, type Sdk, sdkNames } from './sdks.ts';

type SdkToken = InstanceType<Sdk['OAuthToken']>;

const soon = Date.now() + 60_000;
const later = soon + 3_600_000;
const userSignature = { name: 'ada' };

describe.each(sdkNames)('%s', async (name) => {
  const sdk = await loadSdk(name);
  let store: MemoryTokenStore;
  beforeEach(() => {
    store = new MemoryTokenStore();
  });

  function tokenOf(userName: string): SdkToken {
    return new sdk.OAuthBuilder().userSignature(new sdk.UserSignature(userName)).build();
  }

  test('is a store to the SDK', async () => {
    const builder = await new sdk.InitializeBuilder();
    expect(builder.store(zohoTokenStore(store, sdk))).toBe(builder);
  });

  test.each<[object, RegExp]>([
    [{ retrydelays: [1] }, /"retrydelays".*retryDelays/],
    [{ retryDelays: 5 }, /retryDelays must be a list/],
    [{ retryDelays: [-1] }, /retryDelays must be a list/],
  ])('a wrong option is refused by its name: %j', (options, message) => {
    expect(() => zohoTokenStore(store, sdk, options)).toThrow(
      expect.objectContaining({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(message),
      }),
    );
  });

  test("the program's new client secret is not replaced by the stored one", async () => {
    const login = { userSignature, clientId: 'c', refreshToken: 'r', accessToken: 'a' };
    await store.saveToken(new OAuthToken({ ...login, clientSecret: 'old', expiresAt: later }));
    const bridge = zohoTokenStore(store, sdk);
    const token = tokenOf('ada');
    token.setClientId('c');
    token.setClientSecret('new');
    await bridge.findToken(token);
    expect([token.getClientSecret(), token.getAccessToken()]).toEqual(['new', 'a']);
    // With an id, the SDK would go on with what is stored.
    expect(token.getId() ?? '').toBe('');
    await bridge.saveToken(token);
    const stored = await bridge.findTokenById(token.getId() ?? '');
    expect(stored.getClientSecret()).toBe('new');
  });

  test('each of the six methods gives a promise, whatever it is given', async () => {
    const bridge = zohoTokenStore(store, sdk);
    const wrong = undefined as never;
    const answers = [
      bridge.findToken(wrong),
      bridge.findTokenById(wrong),
      bridge.saveToken(wrong),
      bridge.deleteToken(wrong),
      bridge.getTokens(),
      bridge.deleteTokens(),
    ];
    for (const answer of answers) expect(answer).toBeInstanceOf(Promise);
    const settled = await Promise.allSettled(answers);
    expect(settled.map(({ status }) => status)).toEqual([
      ...['rejected', 'rejected', 'rejected', 'rejected'],
      ...['fulfilled', 'fulfilled'],
    ]);
  });

  describe('findToken', () => {
    test('fills the very token that it was given, and gives it back', async () => {
      const record = await store.saveToken(
        new OAuthToken({
          userSignature,
          clientId: 'client',
          clientSecret: 'secret',
          redirectUrl: 'https://example.com/back',
          grantToken: 'grant',
          refreshToken: 'refresh',
          accessToken: 'access',
          apiDomain: 'https://www.zohoapis.eu',
          expiresAt: soon,
        }),
      );
      const token = tokenOf('ada');
      expect(await zohoTokenStore(store, sdk).findToken(token)).toBe(token);
      expect(token).toMatchObject({
        id: record.id,
        clientID: 'client',
        clientSecret: 'secret',
        redirectURL: 'https://example.com/back',
        grantToken: 'grant',
        refreshToken: 'refresh',
        accessToken: 'access',
        apiDomain: 'https://www.zohoapis.eu',
        expiresIn: String(soon),
      });
      expect(token.getUserSignature()).toBeInstanceOf(sdk.UserSignature);
    });

    test('gives null where there is none, and leaves the token as it was', async () => {
      const token = tokenOf('ada');
      expect(await zohoTokenStore(store, sdk).findToken(token)).toBeNull();
      expect(token).toEqual(tokenOf('ada'));
    });

    test('puts newer stored tokens over old ones', async () => {
      const stored = { refreshToken: 'refresh 2', accessToken: 'access 2', expiresAt: later };
      await store.saveToken(new OAuthToken({ userSignature, ...stored }));
      const token = tokenOf('ada');
      token.setAccessToken('access 1');
      token.setExpiresIn(String(soon));
      token.setRefreshToken('refresh 1');
      await zohoTokenStore(store, sdk).findToken(token);
      expect(token).toMatchObject({
        accessToken: 'access 2',
        refreshToken: 'refresh 2',
        expiresIn: String(later),
      });
    });

    test('keeps tokens that the program got later than the stored ones', async () => {
      const stored = { refreshToken: 'refresh 1', accessToken: 'access 1', expiresAt: soon };
      await store.saveToken(new OAuthToken({ userSignature, ...stored }));
      const token = tokenOf('ada');
      token.setAccessToken('access 2');
      token.setExpiresIn(String(later));
      token.setRefreshToken('refresh 2');
      await zohoTokenStore(store, sdk).findToken(token);
      expect(token).toMatchObject({
        accessToken: 'access 2',
        refreshToken: 'refresh 2',
        expiresIn: String(later),
      });
    });

    test('keeps an access token of unknown age where the stored one is over for good', async () => {
      await store.saveToken(
        new OAuthToken({ userSignature, accessToken: 'access 1', expiresAt: 1e12 }),
      );
      const token = tokenOf('ada');
      token.setAccessToken('access 2');
      await zohoTokenStore(store, sdk).findToken(token);
      expect(token.getAccessToken()).toBe('access 2');
      expect(token.getExpiresIn() ?? null).toBeNull();
    });

    test('never puts the expiry of one access token beside another', async () => {
      await store.saveToken(new OAuthToken({ userSignature, accessToken: 'access 1' }));
      const good = tokenOf('ada');
      good.setAccessToken('access 2');
      good.setExpiresIn(String(soon));
      await zohoTokenStore(store, sdk).findToken(good);
      expect(good).toMatchObject({ accessToken: 'access 2', expiresIn: String(soon) });

      const over = tokenOf('ada');
      over.setAccessToken('access 0');
      over.setExpiresIn('1');
      await zohoTokenStore(store, sdk).findToken(over);
      expect(over).toMatchObject({ accessToken: 'access 1', expiresIn: '0' });
    });

    test('leaves a client secret that the program has set', async () => {
      const clientId = 'client';
      await store.saveToken(
        new OAuthToken({ userSignature, clientId, clientSecret: 'old', refreshToken: 'refresh' }),
      );
      const token = tokenOf('ada');
      token.setClientId(clientId);
      token.setClientSecret('new');
      await zohoTokenStore(store, sdk).findToken(token);
      expect(token.getClientSecret()).toBe('new');
    });

    test("takes client and secret together from another client's record", async () => {
      const { id } = await store.saveToken(
        new OAuthToken({ clientId: 'one', clientSecret: 'of one', refreshToken: 'refresh' }),
      );
      const token = new sdk.OAuthBuilder()
        .id(id ?? '')
        .clientId('two')
        .clientSecret('of two')
        .build();
      await zohoTokenStore(store, sdk).findToken(token);
      expect(token).toMatchObject({ clientID: 'one', clientSecret: 'of one' });
    });

    test('refuses what is no token of this SDK, and says why that may be', async () => {
      const foreign: SdkToken = Object.create({ ...tokenOf('ada') });
      await expect(zohoTokenStore(store, sdk).findToken(foreign)).rejects.toThrow(
        /two copies of the SDK/,
      );
    });
  });

  describe('saveToken', () => {
    test('sets the id of the token, and no other field', async () => {
      const token = tokenOf('ada');
      token.setRefreshToken('refresh');
      await zohoTokenStore(store, sdk).saveToken(token);
      const [record] = await store.getTokens();
      const expected = tokenOf('ada');
      expected.setRefreshToken('refresh');
      expected.setId(record?.id ?? '');
      expect(token).toEqual(expected);
    });

    test('takes null, undefined and "" for absent: what the token lacks stays', async () => {
      const before = await store.saveToken(
        new OAuthToken({
          userSignature,
          refreshToken: 'refresh',
          redirectUrl: 'https://a.example',
        }),
      );
      const token = tokenOf('ada');
      token.setAccessToken('access');
      token.setRefreshToken(null);
      token.setRedirectURL('');
      await zohoTokenStore(store, sdk).saveToken(token);
      const [after] = await store.getTokens();
      expect(after?.toRecord()).toEqual({
        ...before.toRecord(),
        accessToken: 'access',
        version: 2,
      });
    });

    test('takes an expiry that the SDK could not work out for unknown', async () => {
      const token = tokenOf('ada');
      token.setAccessToken('access');
      for (const expiresIn of ['NaN', '', '0', 'tomorrow', '99999999999999999999']) {
        token.setExpiresIn(expiresIn);
        await zohoTokenStore(store, sdk).saveToken(token);
      }
      expect((await store.getTokens()).map((record) => record.expiresAt)).toEqual([undefined]);
    });

    test('takes a lifetime in place of a time for an expiry long ago', async () => {
      const token = tokenOf('ada');
      token.setAccessToken('access');
      token.setExpiresIn('3600');
      await zohoTokenStore(store, sdk).saveToken(token);
      expect((await store.getTokens()).map((record) => record.expiresIn)).toEqual([0]);
    });

    test('refuses an id together with the user name of another record', async () => {
      const user = (name: string, refreshToken: string): Promise<OAuthToken> =>
        store.saveToken(new OAuthToken({ userSignature: { name }, refreshToken }));
      await user('ada', 'refresh 1');
      const bob = await user('bob', 'refresh 2');
      const token = tokenOf('ada');
      token.setId(bob.id ?? '');
      await expect(zohoTokenStore(store, sdk).saveToken(token)).rejects.toMatchObject({
        code: 'TOKEN_CONFLICT',
      });
      expect(await store.getTokens()).toHaveLength(2);
    });

    test('refuses a token that has nothing to keep, as the store does', async () => {
      await expect(zohoTokenStore(store, sdk).saveToken(tokenOf('ada'))).rejects.toMatchObject({
        code: 'INVALID_TOKEN',
        message: expect.not.stringContaining('in memory only'),
      });
    });

    test('does not try again what can not go well, and tells no secret', async () => {
      let saves = 0;
      store.saveToken = () => {
        saves += 1;
        return Promise.reject(new TokenStoreError('ACCESS_DENIED', 'The storage takes no writes.'));
      };
      const token = tokenOf('ada');
      token.setRefreshToken('the refresh token');
      const failure = await zohoTokenStore(store, sdk)
        .saveToken(token)
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(TokenStoreError);
      expect(failure).toMatchObject({
        code: 'ACCESS_DENIED',
        operation: 'saveToken',
        retryable: false,
      });
      expect(String(failure)).toMatch(
        /takes no writes\. The save was tried once: .* in memory only/,
      );
      expect(String(failure)).not.toContain('the refresh token');
      expect(saves).toBe(1);
    });

    test('tries again when a store of your own fails in a way of its own, and hides its text', async () => {
      let saves = 0;
      store.saveToken = () => {
        saves += 1;
        return Promise.reject(new Error('INSERT INTO t VALUES ("the refresh token")'));
      };
      const token = tokenOf('ada');
      token.setRefreshToken('the refresh token');
      const bridge = zohoTokenStore(store, sdk, { retryDelays: [1, 1] });
      const failure = await bridge.saveToken(token).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: 'STORAGE_FAILED', retryable: true });
      expect(String(failure)).not.toContain('the refresh token');
      expect(saves).toBe(3);
    });
  });

  test('knows the errors of a store that has a copy of core of its own', async () => {
    const foreign = { code: 'STORAGE_FULL', operation: 'saveToken', retryable: false };
    let saves = 0;
    store.saveToken = () => {
      saves += 1;
      return Promise.reject(Object.assign(new Error('There is no room left.'), foreign));
    };
    const token = tokenOf('ada');
    token.setRefreshToken('refresh');
    await expect(zohoTokenStore(store, sdk).saveToken(token)).rejects.toMatchObject({
      ...foreign,
      message: expect.stringMatching(/^There is no room left\. The save was tried once/),
    });
    expect(saves).toBe(1);
  });

  test('findTokenById, getTokens, deleteToken and deleteTokens', async () => {
    const bridge = zohoTokenStore(store, sdk);
    for (const userName of ['ada', 'bob', 'cleo']) {
      const token = tokenOf(userName);
      token.setRefreshToken(`refresh ${userName}`);
      await bridge.saveToken(token);
    }
    const [ada, bob, cleo] = await bridge.getTokens();
    const id = bob?.getId() ?? '';
    const found = await bridge.findTokenById(id);
    expect(found).toBeInstanceOf(sdk.OAuthToken);
    expect(found).toEqual(bob);
    expect(found.getExpiresIn()).toBe(new sdk.OAuthBuilder().id('1').build().getExpiresIn());

    await bridge.deleteToken(id);
    await expect(bridge.findTokenById(id)).rejects.toBeInstanceOf(sdk.SDKException);
    await expect(bridge.findTokenById(id)).rejects.toThrow(id);
    expect(await bridge.getTokens()).toEqual([ada, cleo]);
    await bridge.deleteTokens();
    expect(await bridge.getTokens()).toEqual([]);
  });
});
