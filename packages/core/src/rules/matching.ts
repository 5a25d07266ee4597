import { AmbiguousTokenError } from '../errors.ts';
import { type OAuthToken, recordOf } from '../token/oauth-token.ts';
import type { StoredRecord, TokenRecord } from '../token/token-fields.ts';

/** The fields by which a record can be found. */
export type TokenKeyField = 'id' | 'userName' | 'accessToken' | 'grantToken' | 'refreshToken';

/** One value by which a record can be found. */
export interface TokenKey {
  readonly field: TokenKeyField;
  readonly value: string;
}

/** The fields that say whose a record is: a match does not cross them (contract M2). */
export const OWNER_FIELDS = ['userName', 'clientId', 'issuer', 'resource'] as const;

/**
 * The keys of a token, in the order in which they are tried (contract M1): the id; the user name;
 * the access token, if the token names no client at all; the grant token; the refresh token; the
 * access token.
 */
export function keysOf(token: OAuthToken | TokenRecord): TokenKey[] {
  const { id, userName, accessToken, grantToken, refreshToken, clientId, clientSecret } =
    recordOf(token);
  const namesClient = clientId != null || clientSecret != null;
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
 * Whether a record and a token can belong together: neither names another user, client, issuer or
 * resource than the other does. A side that names none agrees with any (contract M2).
 */
export function agrees(token: OAuthToken | TokenRecord, record: OAuthToken | TokenRecord): boolean {
  const a = recordOf(token);
  const b = recordOf(record);
  return OWNER_FIELDS.every(
    (field) => a[field] == null || b[field] == null || a[field] === b[field],
  );
}

/** Whether a record matches a token on one of its keys (contract M1, M2). */
export function matchesOn(
  key: TokenKey,
  token: OAuthToken | TokenRecord,
  record: OAuthToken | TokenRecord,
): boolean {
  return recordOf(record)[key.field] === key.value && (key.field === 'id' || agrees(token, record));
}

/**
 * The record that matches a token (contract M1 to M4).
 *
 * @param candidates every record that has the value of at least one of the token's keys; others
 *   may be among them, and one may come twice
 * @param keys the token's keys, where they are known already
 * @returns the record, or `null` where none matches or the token has no key (M3)
 * @throws AmbiguousTokenError where several records match on the same key (M4); its `operation` is
 *   `findToken` until a store says otherwise
 */
export function findMatch(
  token: OAuthToken | TokenRecord,
  candidates: readonly StoredRecord[],
  keys: readonly TokenKey[] = keysOf(token),
): StoredRecord | null {
  for (const key of keys) {
    let match: StoredRecord | null = null;
    for (const record of candidates) {
      if (!matchesOn(key, token, record)) continue;
      if (match !== null && match.id !== record.id) {
        throw ambiguous(key, recordOf(token), match, record);
      }
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

function ambiguous(
  key: TokenKey,
  token: TokenRecord,
  ...matches: [TokenRecord, TokenRecord]
): AmbiguousTokenError {
  return new AmbiguousTokenError(
    `Several records have the ${KEY_NAMES[key.field]} of this token. Name ${whatToName(token, ...matches)} too, so that one record matches; nothing was changed.`,
    { operation: 'findToken' },
  );
}

const OWNER_NAMES: Readonly<Record<(typeof OWNER_FIELDS)[number], string>> = {
  userName: 'its user (userSignature)',
  clientId: 'its client (clientId)',
  issuer: 'its issuer',
  resource: 'its resource',
};

/** What a token could name besides, to mean one of two records and not the other. */
export function whatToName(token: TokenRecord, one: TokenRecord, other: TokenRecord): string {
  const telling = OWNER_FIELDS.filter(
    (field) => token[field] == null && (one[field] ?? null) !== (other[field] ?? null),
  );
  return [...telling.map((field) => OWNER_NAMES[field]), 'its id'].join(' or ');
}
