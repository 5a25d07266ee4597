import { InvalidTokenError, OAuthToken } from '@tokenkeep/core';

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

/** Whether it is fields; a token may mean its record by one of its secrets. */
export function isPlainWho(who: Who): who is WhoFields {
  return !(who instanceof OAuthToken || 'toRecord' in who);
}

/** @throws InvalidTokenError */
export function tokenFor(who: Who): OAuthToken {
  if (typeof who !== 'object' || who === null) {
    throw new InvalidTokenError('who', "must be an object such as { userName: 'ada', clientId }");
  }
  if (!isPlainWho(who)) return OAuthToken.from(who);
  const { userName, ...fields } = who;
  return new OAuthToken({ ...fields, userSignature: { name: userName } });
}
