import type { JsonObject } from './field-checks.ts';

/** Whom a token belongs to. */
export interface UserSignature {
  /** The user's name, such as an e-mail address. Compared exactly (contract T4). */
  readonly name: string;
}

/**
 * A token as it goes over the edge of a storage: plain, flat and with its secrets in the clear.
 * `null` and `undefined` mean absent.
 */
export interface TokenRecord {
  /** The id of the record. A store gives one where it is left out. */
  id?: string | null | undefined;
  /** The `name` of the `userSignature`. */
  userName?: string | null | undefined;
  /** RFC 6749 section 2.2. */
  clientId?: string | null | undefined;
  /** RFC 6749 section 2.3.1. Secret. */
  clientSecret?: string | null | undefined;
  /** RFC 6749 section 3.1.2. */
  redirectUrl?: string | null | undefined;
  /** The authorization code of RFC 6749 section 1.3.1. Can be spent once. Secret. */
  grantToken?: string | null | undefined;
  /** RFC 6749 section 1.5. Secret. */
  refreshToken?: string | null | undefined;
  /** RFC 6749 section 1.4. Secret. */
  accessToken?: string | null | undefined;
  /** Where the API is, such as `https://www.zohoapis.com`. */
  apiDomain?: string | null | undefined;
  /** RFC 6749 section 3.3: values separated by spaces. */
  scope?: string | null | undefined;
  /** RFC 6749 section 7.1, such as `Bearer`. */
  tokenType?: string | null | undefined;
  /** The authorization server's issuer identifier (RFC 8414 section 2). */
  issuer?: string | null | undefined;
  /** What the access token is for: a resource indicator (RFC 8707 section 2). */
  resource?: string | null | undefined;
  /** Who is refreshing the record at the moment: an opaque text (contract R). */
  lease?: string | null | undefined;
  /** When the access token expires: milliseconds since the epoch. */
  expiresAt?: number | null | undefined;
  /** The version of the record; given by the store (contract V1). */
  version?: number | null | undefined;
  /** Whatever else the provider sent: up to 64 KiB as JSON, nested up to 64 deep. Secret. */
  extra?: JsonObject | null | undefined;
}

/** A record that is kept in a store: it has an id and a version. */
export interface StoredRecord extends TokenRecord {
  id: string;
  version: number;
}

/** What an `OAuthToken` is made of. `null`, `undefined` and `""` mean absent (contract T3). */
export interface TokenInit extends Omit<TokenRecord, 'userName'> {
  userSignature?: { name?: string | null | undefined } | null | undefined;
  /** In place of `expiresAt`: whole seconds from now (RFC 6749 section 5.1). */
  expiresIn?: number | null | undefined;
}

/** A string field that a token and a record have alike. */
export type StringField = Exclude<
  keyof TokenRecord,
  'userName' | 'expiresAt' | 'version' | 'extra'
>;

/** Each of them, in the order in which they are shown. */
export const STRING_FIELDS: readonly StringField[] = [
  'id',
  'clientId',
  'clientSecret',
  'redirectUrl',
  'grantToken',
  'refreshToken',
  'accessToken',
  'apiDomain',
  'scope',
  'tokenType',
  'issuer',
  'resource',
  'lease',
];

/** The fields of a {@link TokenRecord}, in the order in which they are shown. */
export const RECORD_FIELDS: readonly (keyof TokenRecord)[] = [
  'id',
  'userName',
  ...STRING_FIELDS.slice(1),
  'expiresAt',
  'version',
  'extra',
];

/** The fields that are shown redacted (contract T6). */
export const SECRET_FIELDS: ReadonlySet<string> = new Set([
  'clientSecret',
  'grantToken',
  'refreshToken',
  'accessToken',
  'extra',
] satisfies readonly (keyof TokenRecord)[]);
