import { createRequire } from 'node:module';
import { Client as HubSpotClient } from '@hubspot/api-client';
import { OAuthToken } from '@tokenkeep/core';
import { type Refresher, TokenKeeper } from '@tokenkeep/keeper';
import { googleRefresh, googleRefreshHandler } from '@tokenkeep/keeper/google-auth-library';
import { hubspotRefresh } from '@tokenkeep/keeper/hubspot';
import { intuitRefresh } from '@tokenkeep/keeper/intuit-oauth';
import { jsforceRefresh, jsforceRefreshFn } from '@tokenkeep/keeper/jsforce';
import { openidClientRefresh } from '@tokenkeep/keeper/openid-client';
import { type SimpleOAuth2Client, simpleOAuth2Refresh } from '@tokenkeep/keeper/simple-oauth2';
import { xeroRefresh } from '@tokenkeep/keeper/xero-node';
import { MemoryTokenStore } from '@tokenkeep/memory';
import type { OAuthProvider } from '@tokenkeep/oauth-provider';
import { OAuth2Client } from 'google-auth-library';
import OAuthClient from 'intuit-oauth';
import jsforce from 'jsforce';
import * as openid from 'openid-client';
import { describe, expect, test } from 'vitest';
import { XeroClient } from 'xero-node';
import { ADA, providerFor, saveLogin } from './fixtures.ts';

const require = createRequire(import.meta.url);
const client = { clientId: 'client', clientSecret: 'secret' };

/** How each library is set up for a provider of one's own. */
const REFRESHERS: Record<string, (provider: OAuthProvider) => Refresher> = {
  'openid-client': (provider) => {
    const { url, tokenEndpoint, revocationEndpoint } = provider;
    const server = {
      issuer: url,
      token_endpoint: tokenEndpoint,
      revocation_endpoint: revocationEndpoint,
    };
    const configuration = new openid.Configuration(server, 'client', 'secret');
    openid.allowInsecureRequests(configuration);
    return openidClientRefresh(configuration);
  },
  'simple-oauth2': (provider) => {
    const { AuthorizationCode } = require('simple-oauth2');
    const made: SimpleOAuth2Client = new AuthorizationCode({
      client: { id: 'client', secret: 'secret' },
      auth: { tokenHost: provider.url, tokenPath: '/token', revokePath: '/revoke' },
    });
    return simpleOAuth2Refresh(made);
  },
  'google-auth-library': (provider) =>
    googleRefresh({
      ...client,
      endpoints: {
        oauth2TokenUrl: provider.tokenEndpoint,
        oauth2RevokeUrl: provider.revocationEndpoint,
      },
    }),
  'intuit-oauth': (provider) => {
    Object.assign(OAuthClient, {
      tokenEndpoint: provider.tokenEndpoint,
      revokeEndpoint: provider.revocationEndpoint,
    });
    const redirectUri = 'http://127.0.0.1/callback';
    return intuitRefresh(new OAuthClient({ ...client, environment: 'sandbox', redirectUri }));
  },
  'xero-node': (provider) => {
    // Its address is built in: the request is sent elsewhere on its way.
    const axios = createRequire(require.resolve('xero-node'))('axios');
    axios.interceptors.request.clear();
    axios.interceptors.request.use((config: { url: string }) => ({
      ...config,
      url: config.url.replace('https://identity.xero.com/connect/token', provider.tokenEndpoint),
    }));
    return xeroRefresh(new XeroClient(), client);
  },
  jsforce: (provider) =>
    jsforceRefresh(
      new jsforce.OAuth2({
        ...client,
        authzServiceUrl: `${provider.url}/authorize`,
        tokenServiceUrl: provider.tokenEndpoint,
        revokeServiceUrl: provider.revocationEndpoint,
      }),
    ),
  hubspot: (provider) => hubspotRefresh(new HubSpotClient({ basePath: provider.url }), client),
};

async function keeperOn(
  name: string,
  timeLimit = 10_000,
): Promise<{
  provider: OAuthProvider;
  store: MemoryTokenStore;
  keeper: TokenKeeper;
  saved: OAuthToken;
}> {
  const provider = await providerFor({ rotation: 'revokes' });
  const store = new MemoryTokenStore();
  const saved = await saveLogin(store, provider);
  const refresh = REFRESHERS[name]?.(provider);
  if (refresh === undefined) throw new Error(`no refresher ${name}`);
  return { provider, store, saved, keeper: new TokenKeeper({ store, refresh, timeLimit }) };
}

/** jsforce keeps nothing of an answer but its error. */
const statusOf = (name: string, status: number) => (name === 'jsforce' ? undefined : status);

describe.each(Object.keys(REFRESHERS))('%s', (name) => {
  test('refreshes once for ten calls, and its rotated refresh token and expiry are kept', async () => {
    const { keeper, provider, store, saved } = await keeperOn(name);
    const tokens = await Promise.all(Array.from({ length: 10 }, () => keeper.accessToken(ADA)));
    expect(new Set(tokens).size).toBe(1);
    expect(provider.requests).toHaveLength(1);
    expect(provider.userOf(tokens[0] ?? '')).toBe('ada');
    const kept = await store.findTokenById(saved.id ?? '');
    expect(provider.isLive(kept?.refreshToken)).toBe(true);
    expect(kept?.expiresIn).toBeGreaterThan(3_500);
    expect(kept?.extra).toBeUndefined();
    await keeper.token(ADA, { forceRefresh: true });
    expect(provider.counts.refreshes).toBe(2);
    expect(provider.familiesRevoked).toBe(0);
  });

  test('a dead refresh token is known as such', async () => {
    const { keeper, store, saved } = await keeperOn(name, 1_500);
    await store.saveToken(new OAuthToken({ id: saved.id, refreshToken: 'dead' }));
    await expect(keeper.accessToken(ADA)).rejects.toMatchObject({
      code: 'REAUTHORIZATION_REQUIRED',
      oauthError: 'invalid_grant',
    });
  });

  test('a provider that is down is asked once, and one that is overloaded says when to come again', async () => {
    const { keeper, provider } = await keeperOn(name);
    provider.failWith(503);
    await expect(keeper.accessToken(ADA)).rejects.toMatchObject({
      code: 'REFRESH_FAILED',
      retryable: true,
      status: statusOf(name, 503),
    });
    expect(provider.requests).toHaveLength(1);
    provider.failWith(429, { 'retry-after': '7' });
    await expect(keeper.accessToken(ADA)).rejects.toMatchObject({
      retryable: true,
      status: statusOf(name, 429),
      retryAfter: name === 'jsforce' ? undefined : 7,
    });
    expect(provider.requests).toHaveLength(2);
  });
});

test.each(Object.keys(REFRESHERS).filter((name) => name !== 'xero-node'))(
  '%s revokes',
  async (name) => {
    const { keeper, provider, store, saved } = await keeperOn(name);
    await keeper.revoke(ADA);
    expect(provider.isLive(saved.refreshToken)).toBe(false);
    expect(await store.getTokens()).toEqual([]);
  },
);

test("a client of Google's gets its access tokens from the keeper, also after the API refused one", async () => {
  const { keeper, provider } = await keeperOn('google-auth-library');
  const google = new OAuth2Client({ forceRefreshOnFailure: true });
  google.refreshHandler = googleRefreshHandler(keeper, ADA, google);
  const call = () => google.request<{ user: string }>({ url: provider.api });
  const answers = await Promise.all([call(), call(), call()]);
  expect(answers.map(({ data }) => data.user)).toEqual(['ada', 'ada', 'ada']);
  expect(provider.counts.refreshes).toBe(1);
  provider.expireAccessTokens();
  expect((await call()).data.user).toBe('ada');
  expect(provider.counts.refreshes).toBe(2);
});

test('a connection of jsforce gets another access token when the API has refused one', async () => {
  const { keeper, provider, saved } = await keeperOn('jsforce');
  provider.expireAccessTokens();
  const connection = new jsforce.Connection({
    instanceUrl: provider.url,
    accessToken: saved.accessToken ?? '',
    refreshFn: jsforceRefreshFn(keeper, ADA),
  });
  expect(await connection.request(provider.api)).toEqual({ user: 'ada' });
  expect(provider.counts.refreshes).toBe(1);
});
