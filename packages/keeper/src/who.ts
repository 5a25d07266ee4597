import { OAuthToken } from '@tokenkeep/core';

/** Whose token is asked for: as much of it as it takes to tell the record from others (contract M). */
export interface WhoFields {
  readonly id?: string | undefined;
  readonly userName?: string | undefined;
  readonly clientId?: string | undefined;
  readonly issuer?: string | undefined;
  readonly resource?: string | undefined;
}

/** A token that is saved under it, or its fields. */
export type Who = WhoFields | OAuthToken;

/** @throws InvalidTokenError */
export function tokenFor(who: Who): OAuthToken {
  if (who instanceof OAuthToken || 'toRecord' in who) return OAuthToken.from(who);
  const { userName, ...fields } = who;
  return new OAuthToken({ ...fields, userSignature: { name: userName } });
}

/** Tells apart what is asked for; no part of it is a secret. */
export function cacheKeyOf(who: Who): string | undefined {
  // A token may mean its record by one of its secrets.
  if (who instanceof OAuthToken || 'toRecord' in who) return undefined;
  const { id, userName, clientId, issuer, resource } = who;
  // A length before each: no value can then look like the end of another.
  return `${part(userName)}${part(id)}${part(clientId)}${part(issuer)}${part(resource)}`;
}

function part(value: string | undefined): string {
  return value === undefined ? '-' : `${value.length}:${value}`;
}
