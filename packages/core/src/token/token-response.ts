import {
  checkExtra,
  checkString,
  isPlainObject,
  type JsonObject,
  type JsonValue,
  MAX_FIELD_BYTES,
} from './field-checks.ts';
import type { TokenInit } from './token-fields.ts';

/**
 * What the answer of an authorization server does not say, but the token has to carry: the user,
 * the client, the scope that was asked for (section 5.1 lets the answer leave it out), the refresh
 * token that was used (section 6 lets it be left out). What the answer says goes before it; `extra`
 * is merged by name.
 */
export interface TokenResponseContext extends TokenInit {
  /** When the answer came: milliseconds since the epoch. Default `Date.now()`. */
  now?: number | undefined;
}

interface ErrorBody {
  readonly error?: string;
  readonly error_description?: string;
  readonly error_uri?: string;
}

/**
 * What the server said, on a prototype of its own that says it is `Error`'s: `util.inspect` with
 * `{ customInspect: false, showHidden: true, getters: true }` calls the getters of every prototype
 * up to the first that seems built in, and servers repeat what they were sent, tokens too.
 */
class ServerWords extends Error {
  readonly #body: ErrorBody;

  constructor(message: string, body: ErrorBody) {
    super(message);
    this.#body = body;
  }

  /** The server's `error`, such as `invalid_grant`: any text at all. Not shown by inspection. */
  get error(): string | undefined {
    return this.#body.error;
  }

  /** The server's `error_description`. Not shown by inspection. */
  get errorDescription(): string | undefined {
    return this.#body.error_description;
  }

  /** The server's `error_uri`: a page about the error. Not shown by inspection. */
  get errorUri(): string | undefined {
    return this.#body.error_uri;
  }

  static {
    Object.defineProperty(ServerWords.prototype, 'constructor', { value: Error });
  }
}

/**
 * An authorization server answered with an error (RFC 6749 section 5.2, code `OAUTH_ERROR`), or
 * with something that is no answer to a token request (code `OAUTH_RESPONSE_INVALID`).
 *
 * The message names the server's `error` only where it is a registered code or one of Zoho's.
 */
export class OAuthResponseError extends ServerWords {
  override readonly name: string = 'OAuthResponseError';
  readonly code: 'OAUTH_ERROR' | 'OAUTH_RESPONSE_INVALID';

  constructor(
    code: 'OAUTH_ERROR' | 'OAUTH_RESPONSE_INVALID',
    message: string,
    body: ErrorBody = {},
  ) {
    super(message, body);
    this.code = code;
  }
}

/** The codes that may stand in a message, and what to do about each. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  // RFC 6749 section 5.2.
  ['invalid_grant', 'the grant or refresh token is spent, expired or revoked: log in again'],
  ['invalid_client', 'the client id or secret is wrong, or belongs to another data center'],
  ['invalid_scope', 'ask for scopes that this client may have'],
  ['unauthorized_client', 'this client may not use this grant type'],
  ['unsupported_grant_type', 'the server does not know this grant type'],
  ['invalid_request', 'a parameter is missing or given twice'],
  // RFC 6749 section 4.1.2.1; servers send them from the token endpoint, too.
  ['access_denied', 'the user or the server refused: ask the user again, or wait'],
  ['server_error', 'the server has a fault: try again later'],
  ['temporarily_unavailable', 'the server is overloaded or being serviced: try again later'],
  // RFC 8628 section 3.5.
  ['authorization_pending', 'the user has not answered yet: ask again after the interval'],
  ['slow_down', 'ask less often: 5 seconds more between two requests'],
  ['expired_token', 'the device code has expired: begin the login again'],
  // RFC 8707 section 2, RFC 9449 sections 5 and 8, RFC 6750 section 3.1.
  ['invalid_target', 'the server has no such resource: correct the resource parameter'],
  ['invalid_dpop_proof', 'the DPoP proof is wrong: see its key, method, address and time'],
  ['use_dpop_nonce', 'ask again with the nonce of the DPoP-Nonce header'],
  ['invalid_token', 'the token is expired or revoked: log in again'],
  // OpenID Connect Core section 3.1.2.6.
  ['interaction_required', 'the user has to act: log in again'],
  ['login_required', 'the user has to log in again'],
  ['consent_required', 'the user has to consent again'],
  // Zoho.
  ['invalid_code', 'the grant or refresh token is spent, expired or revoked: log in again'],
  ['invalid_client_secret', 'the client secret is wrong'],
  ['invalid_redirect_uri', 'the redirect address is not the one that the client has'],
]);

/** What a token is made of that an answer and its context give. */
export function tokenInitOf(response: unknown, context: TokenResponseContext): TokenInit {
  const { now: given, ...init } = context;
  const now = given ?? Date.now();
  const answer = grantIn(response);
  // An odd field beside it never costs the grant, which is spent, or the new refresh token: it is
  // left out, and so the context decides.
  init.accessToken = answer.access_token;
  init.refreshToken = textOf(answer['refresh_token']) ?? init.refreshToken;
  init.tokenType = textOf(answer['token_type']) ?? init.tokenType;
  init.scope = scopeOf(answer['scope']) ?? init.scope;
  init.apiDomain = textOf(answer['api_domain']) ?? init.apiDomain;
  const expiresAt = expiryIn(answer, now);
  if (expiresAt !== undefined) {
    init.expiresAt = expiresAt;
    init.expiresIn = undefined;
  }
  init.extra = withExtra(init.extra, extraIn(answer, now));
  return init;
}

type Grant = Record<string, unknown> & { readonly access_token: string };

/** @throws OAuthResponseError if it is something else */
function grantIn(response: unknown): Grant {
  if (!isPlainObject(response)) {
    const isUnread =
      typeof response === 'object' &&
      response !== null &&
      ('then' in response || 'json' in response);
    throw invalidResponse(
      `it is not a JSON object${isUnread ? ': give what is in it, await response.json()' : ''}`,
    );
  }
  const { error, access_token } = response;
  if (typeof error === 'string' && error !== '') throw errorIn(response);
  if (access_token === undefined || access_token === null || access_token === '') {
    throw error ? errorIn(response) : invalidResponse('it has no access_token');
  }
  if (typeof access_token !== 'string' || textOf(access_token) === undefined) {
    throw invalidResponse(
      `its access_token is not a string of well-formed Unicode of at most ${MAX_FIELD_BYTES} bytes`,
    );
  }
  return { ...response, access_token };
}

function errorIn(body: Record<string, unknown>): OAuthResponseError {
  const { error, error_description, error_uri } = body;
  const advice = typeof error === 'string' ? ADVICE.get(error) : undefined;
  return new OAuthResponseError(
    'OAUTH_ERROR',
    `The authorization server answered with ${
      advice === undefined
        ? 'an error of its own: see error and errorDescription'
        : `${error}: ${advice}`
    }.`,
    {
      ...(typeof error === 'string' ? { error } : {}),
      ...(typeof error_description === 'string' ? { error_description } : {}),
      ...(typeof error_uri === 'string' ? { error_uri } : {}),
    },
  );
}

/** A text that a field can keep. Numbers count: there are servers that give such tokens. */
function textOf(value: unknown): string | undefined {
  try {
    return checkString('', typeof value === 'number' ? String(value) : value);
  } catch {
    return undefined;
  }
}

/** Section 3.3: texts separated by spaces. Some servers send a list. */
function scopeOf(value: unknown): string | undefined {
  if (!Array.isArray(value)) return textOf(value);
  return textOf(value.filter((each) => typeof each === 'string').join(' '));
}

function expiryIn(answer: Grant, now: number): number | undefined {
  const { expires_in, expires_in_sec, expires_at, expires_on, ext_expires_in } = answer;
  return (
    // Zoho's older answers: expires_in_sec in seconds, and then expires_in in milliseconds.
    timeAfter(expires_in_sec ?? expires_in, now) ??
    timeOf(expires_at, now) ??
    timeOf(expires_on, now) ??
    timeAfter(ext_expires_in, now)
  );
}

/** More is no lifetime, but a server's way to say that there is no end. */
const MAX_SECONDS = 100 * 365 * 24 * 3600;
/** What is less, and no time of long ago, is in seconds. */
const MIN_MILLISECONDS = 100_000_000_000;

/** The time that a number of seconds leads to; `undefined` where that is no time, or none known. */
function timeAfter(seconds: unknown, now: number): number | undefined {
  const number = numberOf(seconds);
  if (number === undefined || number > MAX_SECONDS) return undefined;
  return now + Math.floor(number * 1000);
}

/** A time since the epoch in seconds or milliseconds, or in words with its zone. */
function timeOf(value: unknown, now: number): number | undefined {
  const number = numberOf(value);
  let time = Number.NaN;
  if (number !== undefined) {
    time = Math.floor(number < MIN_MILLISECONDS ? number * 1000 : number);
  } else if (typeof value === 'string' && /(Z|GMT|UTC|[+-]\d\d:?\d\d)$/.test(value)) {
    // Without a zone it would be taken for this machine's.
    time = Date.parse(value);
  }
  return time >= MIN_MILLISECONDS && time <= now + MAX_SECONDS * 1000 ? time : undefined;
}

function numberOf(value: unknown): number | undefined {
  const isText = typeof value === 'string' && /^\d+(\.\d+)?$/.test(value);
  const number = isText ? Number(value) : value;
  return typeof number === 'number' && number >= 0 ? number : undefined;
}

/** What an answer says that has no field of its own in a token. */
function extraIn(answer: Grant, now: number): Map<string, JsonValue> {
  const {
    access_token,
    refresh_token,
    token_type,
    scope,
    api_domain,
    error,
    expires_in,
    expires_in_sec,
    expires_at,
    expires_on,
    ext_expires_in,
    refresh_token_expires_in,
    refresh_expires_in,
    ...rest
  } = answer;
  const extra = new Map<string, JsonValue>();
  for (const [name, value] of Object.entries(rest)) {
    const kept = jsonOf(name, value);
    if (kept !== undefined) extra.set(name, kept);
  }
  // As times, because nobody who reads them later knows since when they count. 0 is 'never'.
  const refreshSeconds = refresh_token_expires_in ?? refresh_expires_in;
  const refreshTokenExpiresAt = timeAfter(refreshSeconds, now);
  if (refreshTokenExpiresAt !== undefined && refreshTokenExpiresAt > now) {
    extra.set('refreshTokenExpiresAt', refreshTokenExpiresAt);
  }
  const extendedExpiresAt = timeAfter(ext_expires_in, now);
  if (extendedExpiresAt !== undefined) extra.set('extendedExpiresAt', extendedExpiresAt);
  return extra;
}

/** A value as JSON has it; `undefined` where that has none, or where a token can't keep it. */
function jsonOf(name: string, value: unknown): JsonValue | undefined {
  // To say that there is nothing is not to say that what was known before is gone.
  if (value === null) return undefined;
  try {
    const text: string | undefined = JSON.stringify(value, (_name, part: unknown) =>
      typeof part === 'bigint' ? String(part) : part,
    );
    return text === undefined ? undefined : checkExtra({ [name]: JSON.parse(text) })?.[name];
  } catch {
    return undefined;
  }
}

/** The extra of the context with that of the answer: as much of the latter as there is room for. */
function withExtra(
  known: JsonObject | null | undefined,
  answered: ReadonlyMap<string, JsonValue>,
): JsonObject | undefined {
  const extra = new Map(Object.entries(known ?? {}));
  let bytes = bytesOf(Object.fromEntries(extra));
  // What is too long is an id_token or the like; the shortest are kept.
  const byLength = [...answered]
    // A comma makes up for one of the braces.
    .map(([name, value]) => ({ name, bytes: bytesOf({ [name]: value }) - 1 }))
    .sort((a, b) => a.bytes - b.bytes);
  const room = byLength.filter((entry) => {
    bytes += entry.bytes;
    return bytes <= MAX_FIELD_BYTES;
  });
  const kept = new Set(room.map(({ name }) => name));
  for (const [name, value] of answered) if (kept.has(name)) extra.set(name, value);
  return extra.size === 0 ? undefined : Object.fromEntries(extra);
}

const utf8 = new TextEncoder();

function bytesOf(value: JsonObject): number {
  return utf8.encode(JSON.stringify(value)).length;
}

function invalidResponse(problem: string): OAuthResponseError {
  return new OAuthResponseError(
    'OAUTH_RESPONSE_INVALID',
    `This is not the answer of a token endpoint (RFC 6749 section 5.1): ${problem}.`,
  );
}
