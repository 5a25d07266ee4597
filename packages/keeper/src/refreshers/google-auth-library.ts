/** Refreshes by `google-auth-library` 10 and later, and feeds its clients. @module */

import { OAuthToken } from '@tokenkeep/core';
import { type Credentials, OAuth2Client, type OAuth2ClientOptions } from 'google-auth-library';
import type { Refresher } from '../refresher.ts';
import type { TokenKeeper } from '../token-keeper.ts';
import type { Who } from '../who.ts';

/** @param options of an `OAuth2Client`: `clientId` and `clientSecret` */
export function googleRefresh(options: OAuth2ClientOptions): Refresher {
  const newClient = (): OAuth2Client => {
    // One for each call: a client keeps the credentials of one user.
    const client = new OAuth2Client(options);
    const { transporter } = client;
    const request = transporter.request.bind(transporter);
    // By itself it sends a refresh token up to four times. Without the signal: when that is aborted,
    // an error is thrown that nobody can catch.
    const once = { retry: 0, noResponseRetries: 0 };
    transporter.request = (call) => request({ ...call, retry: false, retryConfig: once });
    return client;
  };
  const refresh: Refresher = async (token) => {
    const client = newClient();
    client.setCredentials({ refresh_token: token.refreshToken ?? null });
    let answer: Credentials = {};
    // The client puts the refresh token that was sent over the one that came.
    client.on('tokens', (tokens) => {
      answer = { ...tokens };
    });
    await client.refreshAccessToken();
    const { access_token, refresh_token, expiry_date, token_type, scope, ...extra } = answer;
    return new OAuthToken({
      accessToken: access_token,
      refreshToken: refresh_token,
      expiresAt: expiry_date,
      tokenType: token_type,
      scope,
      extra: JSON.parse(JSON.stringify(extra)),
    });
  };
  return Object.assign(refresh, {
    async revoke(token: OAuthToken) {
      await newClient().revokeToken(token.refreshToken ?? token.accessToken ?? '');
    },
  });
}

/**
 * The `refreshHandler` of a client of Google's, which calls it once for each concurrent request, and
 * again when the API has refused what it gave.
 *
 * @example
 * client.refreshHandler = googleRefreshHandler(keeper, { userName: 'ada' }, client);
 */
export function googleRefreshHandler(
  keeper: TokenKeeper,
  who: Who,
  client: { readonly credentials: { readonly access_token?: string | null } },
): () => Promise<{ access_token: string; expiry_date: number }> {
  return async () => {
    // It asks only when it can't use what it has.
    const rejected = client.credentials.access_token ?? undefined;
    const { accessToken = '', expiresAt } = await keeper.token(who, { rejected });
    // It takes an expiry for given; where none is known, it asks again after an hour.
    return { access_token: accessToken, expiry_date: expiresAt ?? Date.now() + 3_600_000 };
  };
}
