import type { ProviderFailure } from './errors.ts';

/**
 * What providers call a refresh token that they will never take again. RFC 6749 knows only the
 * first; the others are Zoho's, GitHub's, HubSpot's and Slack's.
 */
const DEAD: ReadonlySet<string> = new Set([
  'invalid_grant',
  'invalid_code',
  'bad_refresh_token',
  'BAD_REFRESH_TOKEN',
  'invalid_refresh_token',
  'token_revoked',
]);

/** Codes of RFC 6749 and its kin that say nothing of the next time. */
const PASSING: ReadonlySet<string> = new Set([
  'server_error',
  'temporarily_unavailable',
  'slow_down',
]);

/** Whether a provider says that it will never take this refresh token again. */
export function isRefusal(failure: ProviderFailure): boolean {
  return failure.oauthError !== undefined && DEAD.has(failure.oauthError);
}

/**
 * What an error of a refresher tells. Each OAuth library has its own way of carrying the answer of
 * the provider; nothing but codes and numbers is taken over, as texts repeat what was sent.
 */
export function failureOf(error: unknown): ProviderFailure {
  const oauthError = first(bodiesIn(error), nameIn);
  const status = first(answersIn(error), statusIn);
  const networkError = first(within(error, ['cause', 'originalError', 'data']), networkErrorIn);
  const retryAfter = first(answersIn(error), retryAfterIn);
  return {
    oauthError,
    status,
    networkError,
    retryAfter,
    retryable: isPassing(error, oauthError, status),
  };
}

/** A provider that did not answer in time. */
export const TIMED_OUT: ProviderFailure = {
  oauthError: undefined,
  status: undefined,
  networkError: 'TIMEOUT',
  retryAfter: undefined,
  retryable: true,
};

function isPassing(
  error: unknown,
  oauthError: string | undefined,
  status: number | undefined,
): boolean {
  if (status !== undefined && (status >= 500 || status === 429 || status === 408)) return true;
  if (oauthError !== undefined) return PASSING.has(oauthError);
  // A refused option or field is refused the next time, too. Anything else is the network's.
  if (propertyOf(error, 'code') === 'INVALID_TOKEN') return false;
  return status === undefined || status < 400;
}

/** Where libraries keep the JSON of an answer. */
function bodiesIn(error: unknown): unknown[] {
  const response = propertyOf(error, 'response');
  const payload = propertyOf(propertyOf(error, 'data'), 'payload');
  const authResponse = propertyOf(error, 'authResponse');
  const kept = [payload, propertyOf(error, 'body'), propertyOf(response, 'data')];
  const more = [propertyOf(response, 'body'), propertyOf(authResponse, 'json')];
  return [error, ...kept, ...more, propertyOf(error, 'cause')].map(parsed);
}

/** Where they keep its status and its headers. */
function answersIn(error: unknown): unknown[] {
  const authResponse = propertyOf(error, 'authResponse');
  return [
    ...[propertyOf(error, 'response'), propertyOf(authResponse, 'response')],
    ...[propertyOf(propertyOf(error, 'data'), 'res'), propertyOf(error, 'output'), error],
    propertyOf(error, 'cause'),
  ];
}

function nameIn(body: unknown): string | undefined {
  for (const value of [
    propertyOf(body, 'error'),
    propertyOf(body, 'status'),
    // jsforce makes it the name of the error.
    propertyOf(body, 'name'),
  ]) {
    if (typeof value !== 'string') continue;
    if (DEAD.has(value) || /^[a-z]+(?:_[a-z]+)+$/.test(value)) return value;
  }
  return undefined;
}

function statusIn(answer: unknown): number | undefined {
  for (const name of ['status', 'statusCode', 'code']) {
    const value = propertyOf(answer, name);
    if (typeof value === 'number' && value >= 100 && value <= 599) return value;
  }
  return undefined;
}

function networkErrorIn(error: unknown): string | undefined {
  if (propertyOf(error, 'name') === 'TimeoutError') return 'TIMEOUT';
  const code = propertyOf(error, 'code');
  return typeof code === 'string' &&
    /^(?:E[A-Z]{3,}|UND_ERR_[A-Z_]+|OAUTH_RESPONSE_INVALID)$/.test(code)
    ? code
    : undefined;
}

/** RFC 9110 section 10.2.3: seconds, or a date. */
function retryAfterIn(answer: unknown): number | undefined {
  const headers = propertyOf(answer, 'headers');
  const get = propertyOf(headers, 'get');
  const value: unknown =
    typeof get === 'function'
      ? Reflect.apply(get, headers, ['retry-after'])
      : propertyOf(headers, 'retry-after');
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const text = String(value).trim();
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : (Date.parse(text) - Date.now()) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, Math.ceil(seconds)) : undefined;
}

/** The error and what it carries under these names, three deep. */
function within(error: unknown, names: readonly string[], depth = 3): unknown[] {
  if (typeof error !== 'object' || error === null || depth === 0) return [];
  return [error, ...names.flatMap((name) => within(propertyOf(error, name), names, depth - 1))];
}

function first<Found>(
  places: readonly unknown[],
  find: (place: unknown) => Found | undefined,
): Found | undefined {
  for (const place of places) {
    const found = find(place);
    if (found !== undefined) return found;
  }
  return undefined;
}

function parsed(body: unknown): unknown {
  if (typeof body !== 'string' || !body.startsWith('{')) return body;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function propertyOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    return Reflect.get(value, name);
  } catch {
    // A getter that throws tells nothing.
    return undefined;
  }
}
