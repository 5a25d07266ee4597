import { createHash } from 'node:crypto';
import type { JsonObject, OAuthToken } from '@tokenkeep/core';

/** The one name that the keeper uses in the `extra` of a record. */
const NOTES = 'tokenkeep-keeper';

/** Seconds. Of tokens that live longer it need not be known: see {@link refreshBeforeOf}. */
const SHORT_LIFETIME = 600;

/** Since when a login is known to be over, and what the provider said. */
export interface ReauthorizationRequired {
  readonly since: Date;
  readonly oauthError: string;
}

/**
 * Whether the user of this record has to log in again, for a view of all logins.
 *
 * A new login brings another refresh token, or at least another access token, and with that the mark
 * means nothing any more.
 */
export function reauthorizationRequired(token: OAuthToken): ReauthorizationRequired | undefined {
  const dead = notesOf(token)['dead'];
  const login = loginDigest(token);
  if (!isObject(dead) || login === null || dead['of'] !== login) return undefined;
  return { since: new Date(Number(dead['since'])), oauthError: String(dead['error']) };
}

/** The `extra` that marks a record's refresh token as dead. */
export function deadNotes(token: OAuthToken, error: string): JsonObject {
  const dead = { of: loginDigest(token), error, since: Date.now() };
  return { [NOTES]: { ...notesOf(token), dead } };
}

/** The `extra` that goes with what a refresh brought: how long it lives, if that is not long. */
export function freshNotes(before: OAuthToken, answer: OAuthToken): JsonObject {
  const lifetime = answer.expiresIn;
  if (lifetime !== undefined && lifetime < SHORT_LIFETIME) return { [NOTES]: { lifetime } };
  return before.extra?.[NOTES] === undefined ? {} : { [NOTES]: null };
}

/**
 * How many seconds before its end an access token is refreshed: never more than a tenth of its
 * lifetime, or one that lives for a minute would be refreshed at each call.
 */
export function refreshBeforeOf(token: OAuthToken, refreshBefore: number): number {
  if (token.extra === undefined) return refreshBefore;
  const { lifetime } = notesOf(token);
  return typeof lifetime === 'number' ? Math.min(refreshBefore, lifetime / 10) : refreshBefore;
}

/** What a record gets a new access token with. */
export function spendable(token: OAuthToken): string | undefined {
  return token.refreshToken ?? token.grantToken;
}

function notesOf(token: OAuthToken): JsonObject {
  const notes = token.extra?.[NOTES];
  return isObject(notes) ? notes : {};
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Tells a login from the next one, without its secrets; `null` where there is nothing to send. */
function loginDigest(token: OAuthToken): string | null {
  const secret = spendable(token);
  if (secret === undefined) return null;
  const login = JSON.stringify([secret, token.accessToken ?? null]);
  return createHash('sha256').update(login).digest('base64url');
}
