import { createServer } from 'node:http';
import { OAuthToken } from '@tokenkeep/core';
import { oauth2Refresh, TokenKeeper } from '@tokenkeep/keeper';
import { MemoryTokenStore } from '@tokenkeep/memory';
import { expect, onTestFinished, test } from 'vitest';
import { ADA, providerFor, saveLogin } from './fixtures.ts';

test.each(['client_secret_basic', 'client_secret_post'] as const)(
  '%s says who the client is, with the secret of the record',
  async (clientAuthentication) => {
    const provider = await providerFor();
    const store = new MemoryTokenStore();
    await saveLogin(store, provider);
    const { tokenEndpoint } = provider;
    const refresh = oauth2Refresh({ tokenEndpoint, clientAuthentication });
    const accessToken = await new TokenKeeper({ store, refresh }).accessToken(ADA);
    expect(provider.userOf(accessToken)).toBe('ada');
    expect(provider.requests[0]?.has('client_secret')).toBe(
      clientAuthentication === 'client_secret_post',
    );
  },
);

test('none needs no secret', async () => {
  const provider = await providerFor({ clients: { client: null } });
  const store = new MemoryTokenStore();
  await saveLogin(store, provider, { clientSecret: null });
  const { tokenEndpoint } = provider;
  const refresh = oauth2Refresh({ tokenEndpoint, clientAuthentication: 'none' });
  expect(provider.userOf(await new TokenKeeper({ store, refresh }).accessToken(ADA))).toBe('ada');
});

test('private_key_jwt signs', async () => {
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
  const { privateKey, publicKey } = await crypto.subtle.generateKey(algorithm, true, [
    'sign',
    'verify',
  ]);
  const key = await crypto.subtle.exportKey('jwk', publicKey);
  const provider = await providerFor({ clients: { client: key } });
  const store = new MemoryTokenStore();
  await saveLogin(store, provider);
  const refresh = oauth2Refresh({
    tokenEndpoint: provider.tokenEndpoint,
    clientAuthentication: 'private_key_jwt',
    privateKey,
  });
  expect(provider.userOf(await new TokenKeeper({ store, refresh }).accessToken(ADA))).toBe('ada');
});

test('endpoints are discovered by the issuer, and discovery that failed is tried again', async () => {
  const provider = await providerFor();
  const store = new MemoryTokenStore();
  await saveLogin(store, provider);
  const refresh = oauth2Refresh({ issuer: provider.url });
  const keeper = new TokenKeeper({ store, refresh });
  expect(provider.userOf(await keeper.accessToken(ADA))).toBe('ada');
  await keeper.revoke(ADA);
  expect(provider.counts.revocations).toBe(1);
});

test('resource and scope are asked for', async () => {
  const provider = await providerFor();
  const store = new MemoryTokenStore();
  await saveLogin(store, provider, { resource: 'https://api.example.com' });
  const { tokenEndpoint } = provider;
  const refresh = oauth2Refresh({ tokenEndpoint, scope: 'read' });
  await new TokenKeeper({ store, refresh }).accessToken(ADA);
  expect(Object.fromEntries(provider.requests[0] ?? [])).toMatchObject({
    resource: 'https://api.example.com',
    scope: 'read',
  });
});

test.each([
  ['GitHub', { error: 'bad_refresh_token' }],
  ['Zoho', { error: 'invalid_code' }],
])('a refusal that comes with status 200 is one: %s', async (_, body) => {
  const http = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void http.close());
  const address = http.address();
  const port = typeof address === 'object' ? address?.port : undefined;
  const store = new MemoryTokenStore();
  await store.saveToken(
    new OAuthToken({ userSignature: { name: 'ada' }, clientId: 'client', refreshToken: 'r' }),
  );
  const tokenEndpoint = `http://127.0.0.1:${port}/token`;
  const refresh = oauth2Refresh({ tokenEndpoint, clientAuthentication: 'none' });
  const keeper = new TokenKeeper({ store, refresh });
  await expect(keeper.accessToken(ADA)).rejects.toMatchObject({
    code: 'REAUTHORIZATION_REQUIRED',
    oauthError: body.error,
  });
});

test('a secret that is nowhere is asked for, and nothing is sent', async () => {
  const provider = await providerFor();
  const store = new MemoryTokenStore();
  await saveLogin(store, provider, { clientSecret: null });
  const { tokenEndpoint } = provider;
  const keeper = new TokenKeeper({ store, refresh: oauth2Refresh({ tokenEndpoint }) });
  await expect(keeper.accessToken(ADA)).rejects.toMatchObject({
    code: 'INVALID_OPTION',
    message: expect.stringContaining('clientSecret is missing'),
  });
  expect(provider.requests).toHaveLength(0);
});

test.each([
  ['neither endpoint nor issuer', {}],
  ['both', { issuer: 'https://a.example', tokenEndpoint: 'https://a.example/token' }],
  ['no URL', { issuer: 'accounts' }],
  ['no key', { issuer: 'https://a.example', clientAuthentication: 'private_key_jwt' as const }],
])('%s is refused', (_, options) => {
  expect(() => oauth2Refresh(options)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }));
});
