import { checkString, isPlainObject, type JsonObject, type JsonValue } from './field-checks.ts';
import type { TokenInit } from './token-fields.ts';

/**
 * What the answer of an authorization server does not say, but the token has to carry: the user,
 * the client, the scope that was asked for (section 5.1 lets the answer leave it out), the refresh
 * token that was used (section 6 lets it be left out). What the answer says goes before it.
 */
export interface TokenResponseContext extends TokenInit {
  /** When the answer came: milliseconds since the epoch. Default `Date.now()`. */
  now?: number | undefined;
}

/**
 * An authorization server answered with an error (RFC 6749 section 5.2, code `OAUTH_ERROR`), or
 * with something that is no answer to a token request (code `OAUTH_RESPONSE_INVALID`).
 */
export class OAuthResponseError extends Error {
  override readonly name: string = 'OAuthResponseError';
  readonly code: 'OAUTH_ERROR' | 'OAUTH_RESPONSE_INVALID';
  /** The server's `error`, such as `invalid_grant`. */
  readonly error: string | undefined;
  readonly #description: string | undefined;
  readonly #uri: string | undefined;

  constructor(
    code: 'OAUTH_ERROR' | 'OAUTH_RESPONSE_INVALID',
    message: string,
    body: { error?: string; error_description?: string; error_uri?: string } = {},
  ) {
    super(message);
    this.code = code;
    this.error = body.error;
    this.#description = body.error_description;
    this.#uri = body.error_uri;
  }

  /** The server's `error_description`. Not shown by inspection: servers repeat what they were sent. */
  get errorDescription(): string | undefined {
    return this.#description;
  }

  /** The server's `error_uri`: a page about the error. Not shown by inspection. */
  get errorUri(): string | undefined {
    return this.#uri;
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  invalid_grant: 'the grant or refresh token is spent, expired or revoked: log in again',
  invalid_code: 'the grant token is spent or expired: get a new one',
  invalid_client: 'the client id or secret is wrong, or belongs to another data center',
  invalid_scope: 'ask for scopes that this client may have',
  unauthorized_client: 'this client may not use this grant type',
  unsupported_grant_type: 'the server does not know this grant type',
  invalid_request: 'a parameter is missing or given twice',
};

/** The fields of a token that an answer gives. */
export function recordFieldsOf(response: unknown, now: number): TokenInit {
  if (!isPlainObject(response)) {
    throw invalidResponse('it is not a JSON object');
  }
  if ('error' in response) throw errorIn(response);
  const {
    access_token,
    refresh_token,
    token_type,
    scope,
    expires_in,
    expires_in_sec,
    api_domain,
    ...rest
  } = response;
  const accessToken = textOf('access_token', access_token);
  if (accessToken === undefined) throw invalidResponse('it has no access_token');
  // Zoho's older answers: expires_in_sec in seconds, and then expires_in in milliseconds.
  const seconds = secondsOf(expires_in_sec ?? expires_in);
  const init: TokenInit = { accessToken };
  const refreshToken = textOf('refresh_token', refresh_token);
  if (refreshToken !== undefined) init.refreshToken = refreshToken;
  const tokenType = textOf('token_type', token_type);
  if (tokenType !== undefined) init.tokenType = tokenType;
  const scopeText = textOf('scope', scope);
  if (scopeText !== undefined) init.scope = scopeText;
  const apiDomain = textOf('api_domain', api_domain);
  if (apiDomain !== undefined) init.apiDomain = apiDomain;
  if (seconds !== undefined) init.expiresAt = now + Math.floor(seconds * 1000);
  if (Object.keys(rest).length > 0) init.extra = rest as Record<string, JsonValue> as JsonObject;
  return init;
}

function errorIn(body: Record<string, unknown>): OAuthResponseError {
  // Section 5.2 allows printable ASCII but for quotes and backslashes; anything else is not repeated.
  const known =
    typeof body['error'] === 'string' &&
    /^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(body['error']);
  const error = known ? String(body['error']) : 'an error that it does not name';
  const advice = ADVICE[error];
  return new OAuthResponseError(
    'OAUTH_ERROR',
    `The authorization server answered with ${error}${advice === undefined ? '' : `: ${advice}`}.`,
    {
      ...(known ? { error } : {}),
      ...(typeof body['error_description'] === 'string'
        ? { error_description: body['error_description'] }
        : {}),
      ...(typeof body['error_uri'] === 'string' ? { error_uri: body['error_uri'] } : {}),
    },
  );
}

function textOf(field: string, value: unknown): string | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  if (typeof value !== 'string') throw invalidResponse(`its ${field} is not a string`);
  return checkString(field, value);
}

function secondsOf(value: unknown): number | undefined {
  if (value === null || value === undefined || value === '') return undefined;
  const seconds =
    typeof value === 'string' && /^\d{1,15}(\.\d+)?$/.test(value) ? Number(value) : value;
  if (typeof seconds !== 'number' || !Number.isFinite(seconds) || seconds < 0) {
    throw invalidResponse('its expires_in is not a number of seconds');
  }
  return seconds;
}

function invalidResponse(problem: string): OAuthResponseError {
  return new OAuthResponseError(
    'OAUTH_RESPONSE_INVALID',
    `This is not the answer of a token endpoint (RFC 6749 section 5.1): ${problem}.`,
  );
}
