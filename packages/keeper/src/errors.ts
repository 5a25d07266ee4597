import type { OAuthToken } from '@tokenkeep/core';

/** The code of a {@link TokenKeeperError}: what each means is in {@link KEEPER_ERROR_CODES}. */
export type TokenKeeperErrorCode =
  | 'REAUTHORIZATION_REQUIRED'
  | 'REFRESH_FAILED'
  | 'TOKEN_NOT_SAVED'
  | 'REVOCATION_FAILED'
  | 'PROVIDER_UNKNOWN'
  | 'KEEPER_CLOSED';

/** Every code of the keeper's own errors, with what it means and what to do. Codes are stable. */
export const KEEPER_ERROR_CODES: Readonly<Record<TokenKeeperErrorCode, string>> = {
  REAUTHORIZATION_REQUIRED:
    'There is no login, or it is over. Send the user through the login again, and save what it brings.',
  REFRESH_FAILED:
    'The provider did not give a new access token. Nothing was changed; see `retryable`, `retryAfter`, `status` and `oauthError`.',
  TOKEN_NOT_SAVED:
    'What the provider gave could not be stored, and is in the error alone: save `error.token` once the store works.',
  REVOCATION_FAILED:
    'The provider did not take the login back. The record is still there; try again.',
  PROVIDER_UNKNOWN:
    "No provider of the keeper has the record's issuer or client. Name it in `providers`, or give `refresh`.",
  KEEPER_CLOSED: 'The keeper was closed. Make a new one, and close it only when you are done.',
};

/** Whose token it is about. No part of it is a secret. */
export interface Whose {
  readonly id: string | undefined;
  readonly userName: string | undefined;
  readonly clientId: string | undefined;
  readonly issuer: string | undefined;
  readonly resource: string | undefined;
}

export function whoseOf(token: OAuthToken): Whose {
  const { id, userSignature, clientId, issuer, resource } = token;
  return { id, userName: userSignature?.name, clientId, issuer, resource };
}

/** What the keeper itself fails with. What the store fails with is passed on as it is. */
export class TokenKeeperError extends Error {
  override readonly name: string = 'TokenKeeperError';
  readonly code: TokenKeeperErrorCode;
  /** Whether the same call may succeed later, unchanged. */
  readonly retryable: boolean;

  constructor(code: TokenKeeperErrorCode, message: string, retryable: boolean = false) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}

/**
 * Why a user has to log in again: there was no login (`unknown`), it was deleted while it was being
 * refreshed (`deleted`), there is no refresh token, or the provider has refused it.
 */
export type ReauthorizationReason = 'unknown' | 'deleted' | 'no_refresh_token' | 'refused';

/** Only a new login helps (contract R4, R5). Code `REAUTHORIZATION_REQUIRED`. */
export class ReauthorizationRequiredError extends TokenKeeperError {
  override readonly name: string = 'ReauthorizationRequiredError';
  readonly whose: Whose;
  readonly reason: ReauthorizationReason;
  /** With `refused`: what the provider said, such as `invalid_grant`. */
  readonly oauthError: string | undefined;
  /** With `refused`: since when that is known. */
  readonly since: Date | undefined;

  constructor(
    whose: Whose,
    reason: ReauthorizationReason,
    details: { oauthError?: string | undefined; since?: Date | undefined } = {},
  ) {
    super('REAUTHORIZATION_REQUIRED', `${WHY[reason]} (${named(whose)}): log in again.`);
    this.whose = whose;
    this.reason = reason;
    this.oauthError = details.oauthError;
    this.since = details.since;
  }
}

const WHY: Readonly<Record<ReauthorizationReason, string>> = {
  unknown: 'No login is stored',
  deleted: 'The login was deleted while it was being refreshed',
  no_refresh_token: 'The access token is over and there is no refresh token',
  refused: 'The provider does not take the refresh token any more',
};

/** What a provider said, as far as it is known; its texts are left out, as they repeat what was sent. */
export interface ProviderFailure {
  /** The HTTP status, where there was an answer. */
  readonly status: number | undefined;
  /** The `error` of RFC 6749 section 5.2, such as `invalid_client`. */
  readonly oauthError: string | undefined;
  /**
   * A code of Node's, such as `ECONNREFUSED`; `TIMEOUT` for a provider that did not answer in time,
   * `OAUTH_RESPONSE_INVALID` for an answer that is none.
   */
  readonly networkError: string | undefined;
  /** In how many seconds to ask again, if the provider said so. */
  readonly retryAfter: number | undefined;
  readonly retryable: boolean;
}

/** The provider gave no new access token, and nothing was changed (contract R6). Code `REFRESH_FAILED`. */
export class RefreshFailedError extends TokenKeeperError implements ProviderFailure {
  override readonly name: string = 'RefreshFailedError';
  readonly whose: Whose;
  readonly status: number | undefined;
  readonly oauthError: string | undefined;
  readonly networkError: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(whose: Whose, failure: ProviderFailure) {
    super('REFRESH_FAILED', told('The refresh failed', whose, failure), failure.retryable);
    this.whose = whose;
    this.status = failure.status;
    this.oauthError = failure.oauthError;
    this.networkError = failure.networkError;
    this.retryAfter = failure.retryAfter;
  }
}

/** The provider did not take the login back; the record is still there. Code `REVOCATION_FAILED`. */
export class RevocationFailedError extends TokenKeeperError {
  override readonly name: string = 'RevocationFailedError';
  readonly whose: Whose;
  readonly status: number | undefined;
  readonly oauthError: string | undefined;

  constructor(whose: Whose, failure: ProviderFailure) {
    super('REVOCATION_FAILED', told('The revocation failed', whose, failure), failure.retryable);
    this.whose = whose;
    this.status = failure.status;
    this.oauthError = failure.oauthError;
  }
}

/**
 * What the provider gave could not be stored (contract R8). Code `TOKEN_NOT_SAVED`.
 *
 * The refresh token that was stored may be spent by now, so {@link TokenNotSavedError.token} is the
 * only copy of the login: save it once the store works again, before this process ends.
 */
export class TokenNotSavedError extends TokenKeeperError {
  override readonly name: string = 'TokenNotSavedError';
  readonly whose: Whose;
  /** The code of the store's error, such as `CONNECTION_FAILED`. */
  readonly storeCode: string | undefined;
  readonly #token: OAuthToken;

  constructor(whose: Whose, token: OAuthToken, storeCode: string | undefined) {
    super(
      'TOKEN_NOT_SAVED',
      `What the provider gave for ${named(whose)} could not be stored${storeCode === undefined ? '' : ` (${storeCode})`}: it is in this error alone. Give error.token to saveToken once the store works, before this process ends.`,
    );
    this.whose = whose;
    this.storeCode = storeCode;
    this.#token = token;
  }

  /** What to save, with the id of its record. */
  get token(): OAuthToken {
    return this.#token;
  }
}

function told(what: string, whose: Whose, failure: ProviderFailure): string {
  const { status, oauthError, networkError, retryAfter, retryable } = failure;
  const said =
    [status, oauthError, networkError].filter((part) => part !== undefined).join(', ') ||
    'the refresher failed in a way of its own';
  const later = retryAfter === undefined ? 'later' : `after ${retryAfter} s`;
  const advice = retryable
    ? `Nothing was changed; try again ${later}.`
    : 'Nothing was changed, and the same call will fail again: see to the settings of the client.';
  return `${what} for ${named(whose)}: ${said}. ${advice}`;
}

/** Whose it is, for a message. */
function named({ userName, clientId, issuer, id }: Whose): string {
  const parts = [
    userName === undefined ? undefined : `user ${shown(userName)}`,
    clientId === undefined ? undefined : `client ${shown(clientId)}`,
    issuer === undefined ? undefined : `issuer ${shown(issuer)}`,
  ].filter((part) => part !== undefined);
  return parts.join(', ') || `record ${shown(id ?? '')}`;
}

function shown(name: string): string {
  return JSON.stringify(name.length <= 80 ? name : `${name.slice(0, 80)}...`);
}
