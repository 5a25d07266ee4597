/** Refreshes by `@hubspot/api-client` 11 and later. @module */
import type { Refresher } from '../refresher.ts';

/** What is used of it: a `Client`. */
export interface HubSpotClient {
  readonly oauth: {
    readonly tokensApi: {
      create(
        grantType: string,
        code: undefined,
        redirectUri: undefined,
        clientId: string | undefined,
        clientSecret: string | undefined,
        refreshToken: string | undefined,
      ): Promise<HubSpotTokens>;
    };
    readonly refreshTokensApi: { archive(token: string): Promise<unknown> };
  };
}

export interface HubSpotTokens {
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresIn: number;
  readonly tokenType: string;
}

/** @param credentials of the app; else those of the record are sent */
export function hubspotRefresh(
  client: HubSpotClient,
  credentials: { readonly clientId?: string; readonly clientSecret?: string } = {},
): Refresher {
  const refresh: Refresher = async (token) => {
    const answer = await client.oauth.tokensApi.create(
      'refresh_token',
      undefined,
      undefined,
      credentials.clientId ?? token.clientId,
      credentials.clientSecret ?? token.clientSecret,
      token.refreshToken,
    );
    return {
      access_token: answer.accessToken,
      refresh_token: answer.refreshToken,
      expires_in: answer.expiresIn,
      token_type: answer.tokenType,
    };
  };
  return Object.assign(refresh, {
    async revoke({ refreshToken = '' }: { refreshToken?: string | undefined }) {
      await client.oauth.refreshTokensApi.archive(refreshToken);
    },
  });
}
