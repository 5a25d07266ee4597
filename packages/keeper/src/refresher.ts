import { InvalidTokenError, OAuthToken } from '@tokenkeep/core';

/** What a refresher is given beside the token. */
export interface RefreshContext {
  /** Aborted when the provider has not answered in time: give it to `fetch`. */
  readonly signal: AbortSignal;
}

/**
 * Sends a token's refresh token to the provider, once, and gives what it answered: the JSON of the
 * token endpoint (RFC 6749 section 5.1), or a token made of it.
 *
 * It rejects with whatever its OAuth library rejects with: the keeper reads `error`
 * (`invalid_grant`), the HTTP status and `Retry-After` from it. It must not send anything again by
 * itself: a provider that rotates takes a refresh token once.
 */
export interface Refresher {
  (token: OAuthToken, context: RefreshContext): Promise<object>;
  /**
   * It also exchanges the grant token of a record that has no refresh token yet.
   *
   * @default false
   */
  readonly exchangesGrants?: boolean;
  /** Takes the login back at the provider (RFC 7009). Left out: the provider can't do that. */
  revoke?(token: OAuthToken, context: RefreshContext): Promise<void>;
}

/**
 * What a refresher gave, as a token.
 *
 * @throws OAuthResponseError for an answer that is none
 * @throws InvalidTokenError for a token without an access token
 */
export function asAnswer(given: object): OAuthToken {
  const isToken = typeof given === 'object' && given !== null && 'toRecord' in given;
  const token = isToken ? OAuthToken.from(given) : OAuthToken.fromTokenResponse(given);
  if (token.accessToken !== undefined) return token;
  throw new InvalidTokenError('accessToken', 'is missing in the token that the refresher gave');
}
