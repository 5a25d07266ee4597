/** Refreshes by a client of `simple-oauth2` 5. @module */
import type { Refresher } from '../refresher.ts';

/** What is used of it: an `AuthorizationCode`, for example. */
export interface SimpleOAuth2Client {
  createToken(token: Record<string, unknown>): SimpleOAuth2Token;
}

export interface SimpleOAuth2Token {
  readonly token: object;
  refresh(): Promise<SimpleOAuth2Token>;
  revoke(tokenType: 'refresh_token'): Promise<unknown>;
}

export function simpleOAuth2Refresh(client: SimpleOAuth2Client): Refresher {
  const tokenOf = (refreshToken: string | undefined): SimpleOAuth2Token =>
    client.createToken({ refresh_token: refreshToken });
  const refresh: Refresher = async ({ refreshToken }) => {
    const { token } = await tokenOf(refreshToken).refresh();
    // It adds when the access token ends, by its own clock.
    const { expires_at: _, ...answer } = token as { expires_at?: unknown };
    return answer;
  };
  return Object.assign(refresh, {
    async revoke({ refreshToken }: { refreshToken?: string | undefined }) {
      await tokenOf(refreshToken).revoke('refresh_token');
    },
  });
}
