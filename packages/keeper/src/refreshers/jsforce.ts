/** Refreshes by `jsforce` 3 (Salesforce), and feeds its connections. @module */
import type { Refresher } from '../refresher.ts';
import type { TokenKeeper } from '../token-keeper.ts';
import type { Who } from '../who.ts';

/** What is used of it: an `OAuth2`. */
export interface SalesforceOAuth2 {
  refreshToken(refreshToken: string): Promise<object>;
  revokeToken(token: string): Promise<unknown>;
}

/** Salesforce does not say when an access token ends: it is good until the API refuses it. */
export function jsforceRefresh(oauth2: SalesforceOAuth2): Refresher {
  const refresh: Refresher = async ({ refreshToken = '' }) => {
    const answer = await oauth2.refreshToken(refreshToken);
    return 'instance_url' in answer ? { ...answer, api_domain: answer.instance_url } : answer;
  };
  return Object.assign(refresh, {
    async revoke({ refreshToken = '' }: { refreshToken?: string | undefined }) {
      await oauth2.revokeToken(refreshToken);
    },
  });
}

/**
 * The `refreshFn` of a `Connection`, which it calls when the API has refused its access token.
 *
 * @example
 * new Connection({ instanceUrl, accessToken, refreshFn: jsforceRefreshFn(keeper, { userName: 'ada' }) });
 */
export function jsforceRefreshFn(
  keeper: TokenKeeper,
  who: Who,
): (
  connection: { readonly accessToken?: string | null | undefined },
  done: (error: Error | null, accessToken?: string) => void,
) => void {
  return ({ accessToken }, done) => {
    keeper.accessToken(who, { rejected: accessToken ?? undefined }).then(
      (given) => done(null, given),
      (error: Error) => done(error),
    );
  };
}
