/** Refreshes by `xero-node` 5 and later. @module */
import { invalidOption } from '@tokenkeep/core/adapter';
import type { Refresher } from '../refresher.ts';

/** What is used of it: a `XeroClient`. */
export interface XeroRefresher {
  refreshWithRefreshToken(
    clientId: string,
    clientSecret: string,
    refreshToken: string,
  ): Promise<{ readonly expires_in?: number }>;
}

/**
 * It can't revoke: a `XeroClient` revokes the login that it had last, and that may be another user's.
 *
 * @throws TokenStoreError `INVALID_OPTION`
 */
export function xeroRefresh(
  client: XeroRefresher,
  { clientId, clientSecret }: { readonly clientId: string; readonly clientSecret: string },
): Refresher {
  if (typeof client.refreshWithRefreshToken !== 'function') {
    throw invalidOption('client', 'must be a XeroClient');
  }
  return async ({ refreshToken = '' }) => {
    const set = await client.refreshWithRefreshToken(clientId, clientSecret, refreshToken);
    // In place of what came it keeps when the access token ends.
    const { expires_at: _, ...answer } = { ...set, expires_at: undefined };
    return set.expires_in === undefined ? answer : { ...answer, expires_in: set.expires_in };
  };
}
