import { AmbiguousTokenError } from './errors.ts';
import type { StoredRecord, TokenRecord } from './oauth-token.ts';

/** The fields by which a record can be found. */
export type TokenKeyField = 'id' | 'userName' | 'accessToken' | 'grantToken' | 'refreshToken';

/** One value by which a record can be found. */
export interface TokenKey {
  readonly field: TokenKeyField;
  readonly value: string;
}

/**
 * The keys of a token, in the order in which they are tried (contract M1): the id; the user name;
 * the access token, if the token names no client at all; the grant token; the refresh token; the
 * access token.
 */
export function keysOf(token: TokenRecord): TokenKey[] {
  const { id, userName, accessToken, grantToken, refreshToken } = token;
  const namesClient = token.clientId != null || token.clientSecret != null;
  const keys: TokenKey[] = [];
  const add = (field: TokenKeyField, value: string | null | undefined) => {
    if (value != null) keys.push({ field, value });
  };
  add('id', id);
  add('userName', userName);
  if (!namesClient) add('accessToken', accessToken);
  add('grantToken', grantToken);
  add('refreshToken', refreshToken);
  if (namesClient) add('accessToken', accessToken);
  return keys;
}

/**
 * Whether a record and a token can belong together: neither names another user or another client
 * than the other does. A side that names none agrees with any (contract M2).
 */
export function agrees(token: TokenRecord, record: TokenRecord): boolean {
  return (
    (token.userName == null || record.userName == null || token.userName === record.userName) &&
    (token.clientId == null || record.clientId == null || token.clientId === record.clientId)
  );
}

/** Whether a record matches a token on one of its keys (contract M1, M2). */
export function matchesOn(key: TokenKey, token: TokenRecord, record: TokenRecord): boolean {
  return record[key.field] === key.value && (key.field === 'id' || agrees(token, record));
}

/**
 * The record that a token means (contract M1 to M4).
 *
 * @param candidates every record that has the value of at least one of the token's keys; others
 *   may be among them, and one may come twice
 * @param keys the token's keys, where they are known already
 * @returns the record, or `null` where none matches or the token has no key (M3)
 * @throws AmbiguousTokenError where several records match on the same key (M4)
 */
export function findMatch(
  token: TokenRecord,
  candidates: readonly StoredRecord[],
  keys: readonly TokenKey[] = keysOf(token),
): StoredRecord | null {
  for (const key of keys) {
    let match: StoredRecord | null = null;
    for (const record of candidates) {
      if (!matchesOn(key, token, record)) continue;
      if (match !== null && match.id !== record.id) throw ambiguous(key, token);
      match = record;
    }
    if (match !== null) return match;
  }
  return null;
}

const KEY_NAMES: Readonly<Record<TokenKeyField, string>> = {
  id: 'id',
  userName: 'user name',
  accessToken: 'access token',
  grantToken: 'grant token',
  refreshToken: 'refresh token',
};

function ambiguous(key: TokenKey, token: TokenRecord): AmbiguousTokenError {
  return new AmbiguousTokenError(
    `Several records have the ${KEY_NAMES[key.field]} of this token. Name ${whatToName(token)} too, so that one record is meant; nothing was changed.`,
  );
}

/** What a token could name besides, to be less ambiguous. */
export function whatToName(token: TokenRecord): string {
  const missing: string[] = [];
  if (token.clientId == null) missing.push('its client (clientId)');
  if (token.userName == null) missing.push('its user (userSignature)');
  missing.push('its id');
  return missing.join(' or ');
}
