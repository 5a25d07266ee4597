/** Refreshes by `intuit-oauth` 4 (QuickBooks). @module */
import type { Refresher } from '../refresher.ts';

/** What is used of it: an `OAuthClient`. */
export interface IntuitClient {
  readonly token: object;
  refreshUsingToken(refreshToken: string): Promise<{ readonly json: object | null }>;
  revoke(parameters: { refresh_token?: string }): Promise<unknown>;
}

export function intuitRefresh(client: IntuitClient): Refresher {
  // By itself it sends a refresh token up to four times, and keeps what comes for whoever it asks
  // the API for next.
  const ownCopy = (): IntuitClient =>
    Object.create(client, {
      shouldRetry: { value: () => false },
      token: { value: Object.create(client.token), writable: true },
      currentRequest: { value: null, writable: true },
    });
  const refresh: Refresher = async ({ refreshToken = '' }) => {
    const { json } = await ownCopy().refreshUsingToken(refreshToken);
    return json ?? {};
  };
  return Object.assign(refresh, {
    async revoke({ refreshToken = '' }: { refreshToken?: string | undefined }) {
      await ownCopy().revoke({ refresh_token: refreshToken });
    },
  });
}
