import { OAuthToken } from '@tokenkeep/core';
import { blankToken, type ZohoOAuthToken, type ZohoSdk } from './zoho-sdk.ts';

/**
 * The SDK's token as ours.
 *
 * @throws InvalidTokenError which names the field that no store can keep (contract T4)
 */
export function fromSdkToken(token: ZohoOAuthToken): OAuthToken {
  const user = token.getUserSignature();
  return new OAuthToken({
    id: token.getId(),
    // Not the object itself: it has a method, and ours is plain.
    userSignature: user == null ? null : { name: user.getName() },
    clientId: token.getClientId(),
    clientSecret: token.getClientSecret(),
    redirectUrl: token.getRedirectURL(),
    grantToken: token.getGrantToken(),
    refreshToken: token.getRefreshToken(),
    accessToken: token.getAccessToken(),
    apiDomain: token.getAPIDomain(),
    expiresAt: expiryOf(token.getExpiresIn()),
  });
}

/** Our token as a new one of the SDK. */
export function toSdkToken<Token extends ZohoOAuthToken>(
  record: OAuthToken,
  sdk: ZohoSdk<Token>,
): Token {
  const token = blankToken(sdk);
  fillSdkToken(token, record, sdk);
  return token;
}

/**
 * Puts what is stored into the SDK's token.
 *
 * The vendor's stores fill what is empty and nothing else, so that a process goes on with the
 * access token that it once read, and refreshes again what another process has refreshed. Here the
 * access token, its expiry and the refresh token are the stored ones, unless the token's own are
 * newer. What says how to log in (client secret, redirect address, grant token) stays what the
 * program has set.
 */
export function fillSdkToken(token: ZohoOAuthToken, record: OAuthToken, sdk: ZohoSdk): void {
  const keepsOwnTokens = hasNewerTokens(token, record);
  // With an id the SDK reads by that from now on, and would use the stored login from the second
  // call on. The next save stores the program's own, and sets the id.
  if (record.id !== undefined && !hasOtherLogin(token, record)) token.setId(record.id);
  const userName = record.userSignature?.name;
  if (userName !== undefined && token.getUserSignature()?.getName() !== userName) {
    token.setUserSignature(new sdk.UserSignature(userName));
  }
  if (record.clientId !== undefined && token.getClientId() !== record.clientId) {
    token.setClientId(record.clientId);
    // A secret belongs to its client: found by id, the record may be another client's.
    token.setClientSecret(record.clientSecret ?? '');
  }
  if (isAbsent(token.getClientSecret()) && record.clientSecret !== undefined) {
    token.setClientSecret(record.clientSecret);
  }
  if (isAbsent(token.getRedirectURL()) && record.redirectUrl !== undefined) {
    token.setRedirectURL(record.redirectUrl);
  }
  if (isAbsent(token.getGrantToken()) && record.grantToken !== undefined) {
    token.setGrantToken(record.grantToken);
  }
  if (isAbsent(token.getAPIDomain()) && record.apiDomain !== undefined) {
    token.setAPIDomain(record.apiDomain);
  }
  if (record.refreshToken !== undefined && (!keepsOwnTokens || isAbsent(token.getRefreshToken()))) {
    token.setRefreshToken(record.refreshToken);
  }
  if (keepsOwnTokens || record.accessToken === undefined) return;
  const isOther = token.getAccessToken() !== record.accessToken;
  token.setAccessToken(record.accessToken);
  if (record.expiresAt !== undefined) token.setExpiresIn(String(record.expiresAt));
  // The expiry of another access token would be wrong here, and to the SDK `"0"` is 'not known'.
  else if (isOther && !isAbsent(token.getExpiresIn())) token.setExpiresIn('0');
}

/** Puts the stored tokens into the SDK's token, though its own may end later. */
export function useStoredTokens(token: ZohoOAuthToken, record: OAuthToken, sdk: ZohoSdk): void {
  if (record.accessToken !== undefined) token.setAccessToken(null);
  fillSdkToken(token, record, sdk);
}

/** Whether the program has set another secret or address of the record's client than is stored. */
function hasOtherLogin(token: ZohoOAuthToken, record: OAuthToken): boolean {
  const isSameClient = isAbsent(token.getClientId()) || token.getClientId() === record.clientId;
  const isOther = (own: string | null | undefined, stored: string | undefined): boolean =>
    !isAbsent(own) && stored !== undefined && own !== stored;
  return (
    isSameClient &&
    (isOther(token.getClientSecret(), record.clientSecret) ||
      isOther(token.getRedirectURL(), record.redirectUrl))
  );
}

/** Whether the tokens that the SDK's token carries are to be preferred to the stored ones. */
function hasNewerTokens(token: ZohoOAuthToken, record: OAuthToken): boolean {
  const accessToken = token.getAccessToken();
  if (isAbsent(accessToken) || accessToken === record.accessToken) return false;
  if (record.accessToken === undefined) return true;
  const ownExpiry = expiryOf(token.getExpiresIn());
  if (ownExpiry !== undefined) return ownExpiry > (record.expiresAt ?? Date.now());
  // The program gave an access token and nothing tells its age. The stored one is used if it can
  // be: where it is of unknown age too, or over and without a way to renew it, the program's is.
  if (record.expiresAt === undefined) return true;
  return record.refreshToken === undefined && record.expiresAt <= Date.now();
}

/** What is before is no time but a lifetime, and the SDK takes it for over, too. */
const LONG_AGO = 100_000_000_000;

/** When the access token ends. The SDK writes `"NaN"` where the server did not say. */
export function expiryOf(text: string | null | undefined): number | undefined {
  if (typeof text !== 'string' || !/^\d{1,15}$/.test(text) || Number(text) === 0) return undefined;
  return Math.max(Number(text), LONG_AGO);
}

function isAbsent(value: string | null | undefined): boolean {
  return value === null || value === undefined || value === '';
}
