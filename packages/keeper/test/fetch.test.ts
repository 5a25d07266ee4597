import { OAuthToken } from '@tokenkeep/core';
import { expect, test } from 'vitest';
import { ADA, sceneWith } from './fixtures.ts';

const fresh = { init: { expiresIn: 600, expiresAt: null } };

test('fetch sends the access token', async () => {
  const { keeper, provider } = await sceneWith(fresh);
  const response = await keeper.fetch(ADA)(provider.api);
  expect(await response.json()).toEqual({ user: 'ada' });
  expect(provider.counts).toMatchObject({ refreshes: 0, apiCalls: 1, apiRefused: 0 });
});

test.each([
  ['no body', undefined],
  ['text', 'text'],
  ['a form', new URLSearchParams({ a: 'b' })],
  ['bytes', new Uint8Array([1, 2])],
])('R9 after a 401 fetch asks once more with another token: %s', async (_, body) => {
  const { keeper, provider } = await sceneWith(fresh);
  provider.expireAccessTokens();
  const init = body === undefined ? {} : { method: 'POST', body };
  const responses = await Promise.all([
    keeper.fetch(ADA)(provider.api, init),
    keeper.fetch(ADA)(provider.api, init),
  ]);
  expect(responses.map(({ status }) => status)).toEqual([200, 200]);
  expect(provider.counts).toMatchObject({ refreshes: 1, apiCalls: 2, apiRefused: 2 });
});

test('a body that can be read once is not sent again, and the next call has another token', async () => {
  const { keeper, provider } = await sceneWith(fresh);
  provider.expireAccessTokens();
  const fetch = keeper.fetch(ADA);
  const stream = new Blob(['text']).stream();
  // What fetch wants with a stream, and its types do not know.
  const init = { method: 'POST', body: stream, duplex: 'half' } as RequestInit;
  expect((await fetch(provider.api, init)).status).toBe(401);
  expect(provider.counts.refreshes).toBe(0);
  expect((await fetch(provider.api)).status).toBe(200);
});

test('an API that refuses every token is asked twice', async () => {
  const { keeper, provider } = await sceneWith(fresh);
  const response = await keeper.fetch(ADA)(`${provider.url}/api/me`, {
    headers: { accept: 'application/json' },
  });
  expect(response.status).toBe(200);
  const refused = keeper.fetch(ADA);
  provider.lifetime = 0;
  provider.expireAccessTokens();
  expect((await refused(provider.api)).status).toBe(401);
  expect(provider.counts.apiRefused).toBe(2);
});

test('authorization says what the header is', async () => {
  const { keeper, provider, store, saved } = await sceneWith({
    ...fresh,
    authorization: ({ accessToken }) => `Zoho-oauthtoken ${accessToken}`,
  });
  expect((await keeper.fetch(ADA)(provider.api)).status).toBe(200);
  await store.saveToken(new OAuthToken({ id: saved.id, tokenType: 'bearer' }));
  expect((await keeper.fetch(ADA)(new Request(provider.api))).status).toBe(200);
});
