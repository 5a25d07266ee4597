import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import { OAuthToken } from '@tokenkeep/core';
import {
  ReauthorizationRequiredError,
  RefreshFailedError,
  reauthorizationRequired,
  TokenKeeper,
  TokenNotSavedError,
} from '@tokenkeep/keeper';
import { MemorySpace, MemoryTokenStore } from '@tokenkeep/memory';
import { expect, test, vi } from 'vitest';
import { ADA, providerFor, refresherFor, saveLogin, sceneWith } from './fixtures.ts';

const rejection = async (promise: Promise<unknown>): Promise<Error> =>
  await promise.then(
    () => expect.unreachable('it was expected to fail'),
    (error: Error) => error,
  );

test('an access token that is good is given without a refresh', async () => {
  const { keeper, provider, saved } = await sceneWith({
    init: { expiresIn: 600, expiresAt: null },
  });
  expect(await keeper.accessToken(ADA)).toBe(saved.accessToken);
  expect(await keeper.accessToken(new OAuthToken({ userSignature: { name: 'ada' } }))).toBe(
    saved.accessToken,
  );
  expect(provider.counts.refreshes).toBe(0);
});

test.each(['keeps', 'rotates', 'grace', 'revokes'] as const)(
  'R1 ten calls of one process lead to one refresh: a provider that %s',
  async (rotation) => {
    const { keeper, provider, store } = await sceneWith({ rotation });
    const given = await Promise.all(Array.from({ length: 10 }, () => keeper.accessToken(ADA)));
    expect(new Set(given).size).toBe(1);
    expect(provider.userOf(given[0] ?? '')).toBe('ada');
    expect(provider.counts).toMatchObject({ refreshes: 1, refusedRefreshes: 0 });
    const kept = await store.findToken(new OAuthToken({ userSignature: { name: 'ada' } }));
    expect(provider.isLive(kept?.refreshToken)).toBe(true);
    expect(kept?.lease).toBeUndefined();
  },
);

test('R1 two keepers on one storage refresh once', async () => {
  const space = new MemorySpace();
  const { keeper, provider } = await sceneWith({ store: new MemoryTokenStore({ space }) });
  const other = new TokenKeeper({
    store: new MemoryTokenStore({ space }),
    refresh: refresherFor(provider),
  });
  const given = await Promise.all([keeper.accessToken(ADA), other.accessToken(ADA)]);
  expect(given[0]).toBe(given[1]);
  expect(provider.requests).toHaveLength(1);
});

test('an access token whose expiry is unknown is given until it is rejected', async () => {
  const { keeper, provider, saved } = await sceneWith({ init: { expiresAt: null } });
  expect(await keeper.accessToken(ADA)).toBe(saved.accessToken);
  const { accessToken: rejected } = saved;
  const other = await keeper.accessToken(ADA, { rejected });
  expect(other).not.toBe(rejected);
  expect(provider.counts.refreshes).toBe(1);
  // R9: another call that was refused the same gets the newer one, without a refresh.
  expect(await keeper.accessToken(ADA, { rejected })).toBe(other);
  expect(provider.counts.refreshes).toBe(1);
});

test('forceRefresh refreshes what is good', async () => {
  const { keeper, provider, saved } = await sceneWith({
    init: { expiresIn: 600, expiresAt: null },
  });
  const token = await keeper.token(ADA, { forceRefresh: true });
  expect(token.accessToken).not.toBe(saved.accessToken);
  expect(provider.counts.refreshes).toBe(1);
});

test('tokens of 20 seconds are not refreshed at each call', async () => {
  const { keeper, provider, store } = await sceneWith({ lifetime: 20 });
  const token = await keeper.accessToken(ADA);
  expect(await keeper.accessToken(ADA)).toBe(token);
  // Nor by a process that has never seen one before.
  const other = new TokenKeeper({ store, refresh: refresherFor(provider) });
  expect(await other.accessToken(ADA)).toBe(token);
  expect(provider.counts.refreshes).toBe(1);
});

test('R3 what others save during a refresh stays, and so does what the refresh brings', async () => {
  const { keeper, provider, store, saved } = await sceneWith();
  provider.holdAnswers(true);
  const call = keeper.accessToken(ADA);
  await provider.asked(1);
  await store.saveToken(new OAuthToken({ id: saved.id, extra: { note: 'kept' } }));
  provider.holdAnswers(false);
  const accessToken = await call;
  const kept = await store.findTokenById(saved.id ?? '');
  expect(kept?.accessToken).toBe(accessToken);
  expect(kept?.extra?.['note']).toBe('kept');
  expect(provider.isLive(kept?.refreshToken)).toBe(true);
});

test('R3 a new login during a refresh is not replaced', async () => {
  const { keeper, provider, store, saved } = await sceneWith();
  provider.holdAnswers(true);
  const call = keeper.accessToken(ADA);
  await provider.asked(1);
  const login = OAuthToken.fromTokenResponse(provider.login('ada'), { id: saved.id });
  await store.saveToken(login);
  provider.holdAnswers(false);
  expect(await call).toBe(login.accessToken);
  const kept = await store.findTokenById(saved.id ?? '');
  expect(kept?.refreshToken).toBe(login.refreshToken);
  expect(kept?.lease).toBeUndefined();
});

test('R5 a record that is deleted during its refresh stays deleted, and the caller is told', async () => {
  const { keeper, provider, store, saved } = await sceneWith();
  provider.holdAnswers(true);
  const call = rejection(keeper.accessToken(ADA));
  await provider.asked(1);
  await store.deleteToken(saved.id ?? '');
  provider.holdAnswers(false);
  expect(await call).toMatchObject({ code: 'REAUTHORIZATION_REQUIRED', reason: 'deleted' });
  expect(await store.getTokens()).toEqual([]);
});

test('R4 a dead login is marked, asked for once, and good again after a new login', async () => {
  const { keeper, provider, store, saved } = await sceneWith({ timeLimit: 1_000 });
  provider.login('nobody');
  const told = vi.fn();
  keeper.on('reauthorizationRequired', told);
  await store.saveToken(new OAuthToken({ id: saved.id, refreshToken: 'dead' }));
  const errors = await Promise.all([
    rejection(keeper.accessToken(ADA)),
    rejection(keeper.accessToken(ADA)),
  ]);
  for (const error of errors) {
    expect(error).toBeInstanceOf(ReauthorizationRequiredError);
    expect(error).toMatchObject({ reason: 'refused', oauthError: 'invalid_grant' });
    expect(error).toMatchObject({ since: expect.any(Date), whose: ADA });
  }
  await rejection(keeper.accessToken(ADA));
  expect(provider.requests).toHaveLength(1);
  expect(told).toHaveBeenCalledOnce();
  const [marked] = await store.getTokens();
  expect(marked && reauthorizationRequired(marked)).toMatchObject({ oauthError: 'invalid_grant' });
  // Without the refresh token itself, and gone with it.
  expect(JSON.stringify(marked?.extra)).not.toContain('dead"}');
  const login = OAuthToken.fromTokenResponse(provider.login('ada'), { id: saved.id });
  const renewed = await store.saveToken(login);
  expect(reauthorizationRequired(renewed)).toBeUndefined();
  expect(await keeper.accessToken(ADA)).toBe(login.accessToken);
});

test('R4 a new login that brings the same refresh token is a new login', async () => {
  const { keeper, provider, store, saved } = await sceneWith({ timeLimit: 300 });
  await store.saveToken(new OAuthToken({ id: saved.id, refreshToken: 'dead' }));
  await rejection(keeper.accessToken(ADA));
  const login = { id: saved.id, refreshToken: 'dead', accessToken: 'of a new login', expiresIn: 1 };
  const renewed = await store.saveToken(new OAuthToken(login));
  expect(reauthorizationRequired(renewed)).toBeUndefined();
  await rejection(keeper.accessToken(ADA));
  expect(provider.requests).toHaveLength(2);
});

test('R4 invalid_grant after another program has rotated the token gives what that got', async () => {
  const { keeper, provider, store, saved } = await sceneWith({ timeLimit: 5_000 });
  const login = OAuthToken.fromTokenResponse(provider.login('ada'), { id: saved.id });
  await store.saveToken(new OAuthToken({ id: saved.id, refreshToken: 'spent elsewhere' }));
  const call = keeper.accessToken(ADA);
  await provider.asked(1);
  await store.saveToken(login);
  expect(await call).toBe(login.accessToken);
});

test('no login is an error of its own', async () => {
  const { keeper, store, saved } = await sceneWith();
  expect(await rejection(keeper.accessToken({ userName: 'grace' }))).toMatchObject({
    code: 'REAUTHORIZATION_REQUIRED',
    reason: 'unknown',
  });
  await store.saveToken(new OAuthToken({ id: saved.id }), { clear: ['refreshToken'] });
  expect(await rejection(keeper.accessToken(ADA))).toMatchObject({ reason: 'no_refresh_token' });
});

test.each([
  [503, {}, undefined],
  [429, { 'retry-after': '7' }, 7],
] as const)(
  'R6 status %i changes nothing and is retryable',
  async (status, headers, retryAfter) => {
    const { keeper, provider, store, saved } = await sceneWith();
    provider.failWith(status, headers);
    const failed = vi.fn();
    keeper.on('refreshFailed', failed);
    const error = await rejection(keeper.accessToken(ADA));
    expect(error).toBeInstanceOf(RefreshFailedError);
    expect(error).toMatchObject({ code: 'REFRESH_FAILED', retryable: true, status, retryAfter });
    const kept = await store.findTokenById(saved.id ?? '');
    expect(kept?.with({ version: null }).equals(saved.with({ version: null }))).toBe(true);
    expect(failed).toHaveBeenCalledOnce();
    // Within Retry-After nobody asks again.
    await rejection(keeper.accessToken(ADA));
    expect(provider.requests).toHaveLength(retryAfter === undefined ? 2 : 1);
  },
);

test('R6 while the provider fails, an access token that is not over is given', async () => {
  const { keeper, provider, saved } = await sceneWith({ init: { expiresIn: 30, expiresAt: null } });
  provider.failWith(503);
  expect(await keeper.accessToken(ADA)).toBe(saved.accessToken);
  expect(provider.requests).toHaveLength(1);
  expect(await rejection(keeper.accessToken(ADA, { forceRefresh: true }))).toMatchObject({
    code: 'REFRESH_FAILED',
  });
});

test('R6 a provider that does not answer in time is given up, and asked again by the next call', async () => {
  const { keeper, provider } = await sceneWith({ rotation: 'keeps', timeLimit: 200 });
  provider.holdAnswers(true);
  expect(await rejection(keeper.accessToken(ADA))).toMatchObject({
    retryable: true,
    networkError: 'TIMEOUT',
  });
  provider.holdAnswers(false);
  expect(provider.userOf(await keeper.accessToken(ADA))).toBe('ada');
});

test('R6 a provider that is down is retryable, a wrong client secret is not', async () => {
  const { keeper, provider, store, saved } = await sceneWith();
  await store.saveToken(new OAuthToken({ id: saved.id, clientSecret: 'wrong' }));
  expect(await rejection(keeper.accessToken(ADA))).toMatchObject({
    retryable: false,
    oauthError: 'invalid_client',
  });
  await provider.stop();
  expect(await rejection(keeper.accessToken(ADA))).toMatchObject({
    retryable: true,
    networkError: 'ECONNREFUSED',
  });
});

test.each([
  ['no answer', {}, { code: 'REFRESH_FAILED', networkError: 'OAUTH_RESPONSE_INVALID' }],
  ['nothing', undefined, { code: 'REFRESH_FAILED', networkError: 'OAUTH_RESPONSE_INVALID' }],
  ['a token without an access token', new OAuthToken(), { code: 'INVALID_TOKEN' }],
])('a refresher that gives %s fails, and nothing is changed', async (_, given, expected) => {
  const { store, saved } = await sceneWith();
  // @ts-expect-error: what programs without types give
  const keeper = new TokenKeeper({ store, refresh: async () => given });
  expect(await rejection(keeper.accessToken(ADA))).toMatchObject(expected);
  const kept = await store.findTokenById(saved.id ?? '');
  expect(kept?.with({ version: null }).equals(saved.with({ version: null }))).toBe(true);
});

test('a refresh that takes long renews its lease, and nobody takes it', async () => {
  const space = new MemorySpace();
  const { keeper, provider, store, saved } = await sceneWith({
    store: new MemoryTokenStore({ space }),
    timeLimit: 4_000,
  });
  provider.holdAnswers(true);
  const call = keeper.accessToken(ADA);
  await provider.asked(1);
  const first = (await store.findTokenById(saved.id ?? ''))?.lease;
  await vi.waitUntil(
    async () => (await store.findTokenById(saved.id ?? ''))?.lease !== first,
    20_000,
  );
  provider.holdAnswers(false);
  await call;
  expect(provider.requests).toHaveLength(1);
});

test('R7 the lease of a process that has died is broken after the time limit', async () => {
  const { keeper, provider, store, saved } = await sceneWith({ timeLimit: 1_000 });
  await store.saveToken(new OAuthToken({ id: saved.id, lease: 'of the dead' }));
  const began = performance.now();
  expect(provider.userOf(await keeper.accessToken(ADA))).toBe('ada');
  expect(performance.now() - began).toBeGreaterThan(1_000);
});

test('R8 what could not be stored at first is stored', async () => {
  const { keeper, provider, store } = await sceneWith();
  const save = store.saveToken.bind(store);
  vi.spyOn(store, 'saveToken').mockImplementation(async (token, options) => {
    if (token.accessToken !== undefined && provider.counts.refreshes === 1) {
      vi.mocked(store.saveToken).mockImplementation(save);
      throw Object.assign(new Error('busy'), { code: 'STORE_BUSY', retryable: true });
    }
    return await save(token, options);
  });
  const accessToken = await keeper.accessToken(ADA);
  expect((await store.getTokens())[0]?.accessToken).toBe(accessToken);
});

test('R8 what can not be stored is in the error, and nowhere else', async () => {
  const { keeper, provider, store, saved } = await sceneWith();
  const save = store.saveToken.bind(store);
  vi.spyOn(store, 'saveToken').mockImplementation(async (token, options) => {
    if (token.accessToken === undefined) return await save(token, options);
    throw Object.assign(new Error('full'), { code: 'READ_ONLY', retryable: false });
  });
  const error = await rejection(keeper.accessToken(ADA));
  if (!(error instanceof TokenNotSavedError)) throw error;
  expect(error.storeCode).toBe('READ_ONLY');
  expect(error.token.id).toBe(saved.id);
  expect(provider.isLive(error.token.refreshToken)).toBe(true);
  const shown =
    inspect(error, { showHidden: true, depth: 9 }) + JSON.stringify(error) + error.stack;
  expect(shown).not.toContain(error.token.refreshToken);
  // And can be saved from there.
  vi.mocked(store.saveToken).mockImplementation(save);
  await store.saveToken(error.token);
  expect(await keeper.accessToken(ADA)).toBe(error.token.accessToken);
});

test('R3 an answer that comes after the time limit is stored all the same', async () => {
  const { provider, store, saved } = await sceneWith();
  const login = provider.login('ada');
  const { promise, resolve } = Promise.withResolvers<object>();
  // It does not care for the signal.
  const keeper = new TokenKeeper({ store, refresh: () => promise, timeLimit: 100 });
  expect(await rejection(keeper.accessToken(ADA))).toMatchObject({ networkError: 'TIMEOUT' });
  resolve(login);
  await vi.waitUntil(
    async () =>
      (await store.findTokenById(saved.id ?? ''))?.refreshToken === login['refresh_token'],
    20_000,
  );
});

test('R10 an aborted call ends at once, and the refresh goes on for the others', async () => {
  const { keeper, provider } = await sceneWith();
  provider.holdAnswers(true);
  const controller = new AbortController();
  const aborted = rejection(keeper.accessToken(ADA, { signal: controller.signal }));
  const other = keeper.accessToken(ADA);
  await provider.asked(1);
  controller.abort(new Error('enough'));
  expect((await aborted).message).toBe('enough');
  provider.holdAnswers(false);
  expect(provider.userOf(await other)).toBe('ada');
  expect(provider.requests).toHaveLength(1);
});

test('several providers, by issuer and by client', async () => {
  const google = await providerFor({ clients: { client: 'secret' } });
  const other = await providerFor({ clients: { 'other client': 'secret' } });
  const store = new MemoryTokenStore();
  await saveLogin(store, google, { issuer: google.url });
  await store.saveToken(
    OAuthToken.fromTokenResponse(other.login('ada'), {
      clientId: 'other client',
      clientSecret: 'secret',
      userSignature: { name: 'ada' },
    }).with({ expiresAt: Date.now() }),
  );
  const keeper = new TokenKeeper({
    store,
    providers: { [google.url]: refresherFor(google), 'other client': refresherFor(other) },
  });
  const first = await keeper.accessToken({
    userName: 'ada',
    issuer: google.url,
    clientId: 'client',
  });
  const second = await keeper.accessToken({ userName: 'ada', clientId: 'other client' });
  expect(google.userOf(first)).toBe('ada');
  expect(other.userOf(second)).toBe('ada');
  await saveLogin(store, google, { clientId: 'stranger', refreshToken: 'another' });
  expect(
    await rejection(keeper.accessToken({ userName: 'ada', clientId: 'stranger' })),
  ).toMatchObject({ code: 'PROVIDER_UNKNOWN' });
});

test('cacheFor: from memory for so long, and not what was rejected', async () => {
  const { keeper, store, saved } = await sceneWith({
    cacheFor: 2_000,
    init: { expiresIn: 600, expiresAt: null },
  });
  const find = vi.spyOn(store, 'findToken');
  const given = await keeper.accessToken(ADA);
  expect(await keeper.accessToken({ ...ADA })).toBe(given);
  expect(find).toHaveBeenCalledOnce();
  expect(await keeper.accessToken(ADA, { rejected: given })).not.toBe(given);
  await store.deleteToken(saved.id ?? '');
  await vi.waitUntil(async () => {
    const error = await keeper.accessToken(ADA).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    return error instanceof ReauthorizationRequiredError;
  }, 20_000);
});

test('concurrency: no more refreshes at a time', async () => {
  const store = new MemoryTokenStore();
  let running = 0;
  let most = 0;
  const keeper = new TokenKeeper({
    store,
    concurrency: 3,
    refresh: async ({ refreshToken }) => {
      running += 1;
      most = Math.max(most, running);
      await delay(1);
      running -= 1;
      return { access_token: `of ${refreshToken}`, expires_in: 3_600 };
    },
  });
  const users = Array.from({ length: 30 }, (_, index) => `user ${index}`);
  for (const name of users) {
    await store.saveToken(new OAuthToken({ userSignature: { name }, refreshToken: name }));
  }
  const given = await Promise.all(users.map((userName) => keeper.accessToken({ userName })));
  expect(given).toEqual(users.map((name) => `of ${name}`));
  expect(most).toBe(3);
});

test('events, and channels of diagnostics_channel, tell what was done and no secret', async () => {
  const { keeper, provider, saved } = await sceneWith();
  const refreshed = vi.fn();
  const traced = vi.fn();
  keeper.on('refreshed', refreshed);
  subscribe('tokenkeep.keeper.refreshed', traced);
  const token = await keeper.token(ADA);
  await vi.waitUntil(() => refreshed.mock.calls.length > 0, 20_000);
  unsubscribe('tokenkeep.keeper.refreshed', traced);
  const event = {
    id: saved.id,
    ...ADA,
    expiresAt: token.expiresAt,
    milliseconds: expect.any(Number),
  };
  expect(refreshed).toHaveBeenCalledExactlyOnceWith(expect.objectContaining(event));
  expect(traced).toHaveBeenCalledOnce();
  const shown = inspect(refreshed.mock.calls, { depth: 9, showHidden: true });
  for (const secret of [token.accessToken, token.refreshToken, saved.refreshToken, 'secret']) {
    expect(shown).not.toContain(secret);
  }
  expect(provider.counts.refreshes).toBe(1);
});

test('revoke takes the login back and deletes the record', async () => {
  const { keeper, provider, store, saved } = await sceneWith();
  await keeper.revoke(ADA);
  expect(provider.counts.revocations).toBe(1);
  expect(provider.isLive(saved.refreshToken)).toBe(false);
  expect(await store.getTokens()).toEqual([]);
  await keeper.revoke(ADA);
});

test('revoke waits for a refresh, and takes back what that brings', async () => {
  const { keeper, provider, store } = await sceneWith();
  provider.holdAnswers(true);
  const call = keeper.token(ADA);
  await provider.asked(1);
  const revoked = keeper.revoke(ADA);
  provider.holdAnswers(false);
  const { refreshToken } = await call;
  await revoked;
  expect(provider.isLive(refreshToken)).toBe(false);
  expect(await store.getTokens()).toEqual([]);
});

test('revoke keeps the record if the provider fails', async () => {
  const { keeper, provider, store } = await sceneWith();
  provider.failWith(503);
  expect(await rejection(keeper.revoke(ADA))).toMatchObject({
    code: 'REVOCATION_FAILED',
    retryable: true,
  });
  provider.failWith(undefined);
  expect(provider.userOf(await keeper.accessToken(ADA))).toBe('ada');
  expect((await store.getTokens())[0]?.lease).toBeUndefined();
});

test('close waits for what is under way, and later refreshes are refused', async () => {
  const { keeper, provider } = await sceneWith();
  provider.holdAnswers(true);
  const call = keeper.accessToken(ADA);
  await provider.asked(1);
  let isClosed = false;
  const closing = keeper.close().then(() => {
    isClosed = true;
  });
  expect(isClosed).toBe(false);
  provider.holdAnswers(false);
  await closing;
  expect(provider.userOf(await call)).toBe('ada');
  expect(await rejection(keeper.accessToken(ADA, { forceRefresh: true }))).toMatchObject({
    code: 'KEEPER_CLOSED',
  });
});

test('a store without versions: one refresh in one process, and a warning', async () => {
  const { keeper, provider, store } = await sceneWith();
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const find = store.findTokenById.bind(store);
  const findByAll = store.findToken.bind(store);
  vi.spyOn(store, 'findTokenById').mockImplementation(
    async (id) => (await find(id))?.with({ version: null }) ?? null,
  );
  vi.spyOn(store, 'findToken').mockImplementation(
    async (token) => (await findByAll(token))?.with({ version: null }) ?? null,
  );
  const given = await Promise.all([keeper.accessToken(ADA), keeper.accessToken(ADA)]);
  expect(given[0]).toBe(given[1]);
  expect(provider.requests).toHaveLength(1);
  expect(warned).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('no versions'), {
    code: 'TOKENKEEP_NO_VERSIONS',
  });
  expect(provider.isLive((await store.getTokens())[0]?.refreshToken)).toBe(true);
  vi.restoreAllMocks();
});

test.each([
  ['an unknown option', { refreshbefore: 3 }],
  ['no store', { store: undefined }],
  ['no refresher', { refresh: undefined }],
  ['a refresher that is none', { refresh: 'https://example.com' }],
  ['a wrong number', { timeLimit: Number.NaN }],
])('%s is refused', (_, wrong) => {
  const options = { store: new MemoryTokenStore(), refresh: async () => ({}), ...wrong };
  // @ts-expect-error: what programs without types give
  expect(() => new TokenKeeper(options)).toThrow(
    expect.objectContaining({ code: 'INVALID_OPTION' }),
  );
});

test.each([
  ['nobody', [undefined]],
  ['a name alone', ['ada']],
  ['a misspelt field', [{ username: 'ada' }]],
  ['a misspelt request', [ADA, { rejectd: 'a' }]],
  ['a request that is none', [ADA, 'a']],
])('%s is refused', async (_, args) => {
  const { keeper } = await sceneWith();
  const call = Reflect.apply(keeper.accessToken, keeper, args);
  await expect(call).rejects.toMatchObject({ code: expect.stringMatching(/^INVALID_/) });
});
