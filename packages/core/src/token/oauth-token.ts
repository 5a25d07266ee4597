import { brand } from '../brand.ts';
import { InvalidTokenError, quoted, recordCorrupt } from '../errors.ts';
import {
  checkExtra,
  checkInteger,
  checkString,
  isPlainObject,
  type JsonObject,
  REDACTED,
} from './field-checks.ts';
import { fingerprintOf, isSameRecord } from './same-record.ts';
import {
  RECORD_FIELDS,
  SECRET_FIELDS,
  STRING_FIELDS,
  type TokenInit,
  type TokenRecord,
  type UserSignature,
} from './token-fields.ts';
import { type TokenResponseContext, tokenInitOf } from './token-response.ts';

const INIT_FIELDS: ReadonlySet<string> = new Set([
  ...STRING_FIELDS,
  'userSignature',
  'expiresAt',
  'expiresIn',
  'version',
  'extra',
]);
const RECORD_FIELD_NAMES: ReadonlySet<string> = new Set(RECORD_FIELDS);

/** Milliseconds. What is less is a number of seconds: as milliseconds it would be before 1973. */
const MIN_EXPIRES_AT = 100_000_000_000;

/** Seconds: 100 years of 365.25 days. */
const MAX_EXPIRES_IN = 3_155_760_000;

/** A record that a token may be made of as it is. */
class Checked {
  readonly record: TokenRecord;
  constructor(record: TokenRecord) {
    this.record = record;
  }
}

/** By this the comparison of test frameworks tells tokens apart (contract T9). */
const FINGERPRINT: symbol = Symbol('fingerprint');

/** What a token holds, and not a copy of it: for this package, which does not change it. Set by the class. */
let recordIn: (token: OAuthToken) => Readonly<TokenRecord>;

/** Reads a field of a token from outside its class; set by the class. */
let fieldOf: <Field extends keyof TokenRecord>(
  token: SecretFields,
  field: Field,
) => TokenRecord[Field];

/**
 * The secret fields, on a prototype of their own that says it is `Object`'s: `util.inspect` with
 * `{ customInspect: false, showHidden: true, getters: true }` calls the getters of every prototype
 * up to the first that seems built in.
 */
class SecretFields {
  /** RFC 6749 section 2.3.1. */
  get clientSecret(): string | undefined {
    return fieldOf(this, 'clientSecret') ?? undefined;
  }
  /** The authorization code of RFC 6749 section 1.3.1. */
  get grantToken(): string | undefined {
    return fieldOf(this, 'grantToken') ?? undefined;
  }
  /** RFC 6749 section 1.5. */
  get refreshToken(): string | undefined {
    return fieldOf(this, 'refreshToken') ?? undefined;
  }
  /** RFC 6749 section 1.4. */
  get accessToken(): string | undefined {
    return fieldOf(this, 'accessToken') ?? undefined;
  }
  /** Whatever else the provider sent, frozen all the way down. */
  get extra(): JsonObject | undefined {
    return fieldOf(this, 'extra') ?? undefined;
  }

  static {
    Object.defineProperty(SecretFields.prototype, 'constructor', { value: Object });
  }
}

/**
 * An OAuth token and what is needed to refresh it: an immutable value (contract T1 to T9).
 *
 * Its secrets do not leave it by accident: inspection, `String()`, `JSON.stringify`, spread and
 * `structuredClone` show none. Each is given to whoever names its field;
 * {@link OAuthToken.toRecord} gives all.
 *
 * @example
 * const token = new OAuthToken({ userSignature: { name: 'ada' }, refreshToken: '1000.abc' });
 * const renewed = token.with({ accessToken: '1000.def', expiresIn: 3600 });
 */
export class OAuthToken extends SecretFields {
  readonly #record: Readonly<TokenRecord>;

  /** @throws InvalidTokenError which names the field that is wrong, never its value (contract T4) */
  constructor(init?: TokenInit);
  constructor(init: TokenInit | Checked = {}) {
    super();
    // Never changed, and given out as a copy only: to freeze it would be for nothing, and is slow.
    this.#record = init instanceof Checked ? init.record : checkedRecord(init);
    Object.defineProperty(this, FINGERPRINT, FINGERPRINT_PROPERTY);
    Object.freeze(this);
  }

  /**
   * The token that a record stands for: the way back from {@link OAuthToken.toRecord}.
   *
   * @throws TokenStoreError `RECORD_CORRUPT` which names the record's id, not its content
   */
  static fromRecord(record: TokenRecord): OAuthToken {
    return new OAuthToken(checkedStored(record) as TokenInit);
  }

  /**
   * The token in the JSON of an authorization server's answer (RFC 6749 section 5.1).
   *
   * `expires_in` may be a number of seconds or such a number as text; `expires_at`, `expires_on`,
   * Zoho's `expires_in_sec` and `api_domain` are understood. Fields that RFC 6749 does not know go
   * into `extra`; of those that are too long together the shortest. How long a refresh token lives
   * goes there as `refreshTokenExpiresAt`, milliseconds since the epoch. Optional fields of a wrong
   * type are left out: a grant that was spent is never lost to one.
   *
   * @throws OAuthResponseError `OAUTH_ERROR` for an error body (section 5.2),
   *   `OAUTH_RESPONSE_INVALID` for an answer that is neither
   */
  static fromTokenResponse(response: unknown, context: TokenResponseContext = {}): OAuthToken {
    return new OAuthToken(tokenInitOf(response, context));
  }

  /**
   * Takes a token of this or of another copy of this package.
   *
   * @throws InvalidTokenError if `value` is anything else (contract C14)
   */
  static from(value: unknown): OAuthToken {
    if (typeof value === 'object' && value !== null && #record in value) return value;
    if (value instanceof OAuthToken) {
      try {
        return OAuthToken.fromRecord(value.toRecord());
      } catch {
        // It has the brand but not the fields: no token after all.
      }
    }
    throw new InvalidTokenError(
      'token',
      'is not an OAuthToken: make one with new OAuthToken({...})',
    );
  }

  get id(): string | undefined {
    return this.#record.id ?? undefined;
  }
  get userSignature(): UserSignature | undefined {
    const name = this.#record.userName;
    return name == null ? undefined : Object.freeze({ name });
  }
  get clientId(): string | undefined {
    return this.#record.clientId ?? undefined;
  }
  get redirectUrl(): string | undefined {
    return this.#record.redirectUrl ?? undefined;
  }
  get apiDomain(): string | undefined {
    return this.#record.apiDomain ?? undefined;
  }
  get scope(): string | undefined {
    return this.#record.scope ?? undefined;
  }
  get tokenType(): string | undefined {
    return this.#record.tokenType ?? undefined;
  }
  /** The authorization server's issuer identifier (RFC 8414 section 2). */
  get issuer(): string | undefined {
    return this.#record.issuer ?? undefined;
  }
  /** What the access token is for (RFC 8707 section 2). */
  get resource(): string | undefined {
    return this.#record.resource ?? undefined;
  }
  /** Who is refreshing the record at the moment: an opaque text (contract R). */
  get lease(): string | undefined {
    return this.#record.lease ?? undefined;
  }
  /** When the access token expires: milliseconds since the epoch. */
  get expiresAt(): number | undefined {
    return this.#record.expiresAt ?? undefined;
  }
  /** Whole seconds until the access token expires, 0 once it has (RFC 6749 section 5.1). */
  get expiresIn(): number | undefined {
    const { expiresAt } = this.#record;
    return expiresAt == null ? undefined : Math.max(0, Math.floor((expiresAt - Date.now()) / 1000));
  }
  /** The version of the record that this token was read from (contract V1). */
  get version(): number | undefined {
    return this.#record.version ?? undefined;
  }

  /**
   * Whether the access token expires within so many seconds, or has expired. `false` where its
   * expiry is unknown.
   */
  expiresWithin(seconds: number): boolean {
    const { expiresAt } = this.#record;
    return expiresAt != null && expiresAt - Date.now() <= seconds * 1000;
  }

  /** Whether another token has the same fields with the same values (contract T9). */
  equals(other: OAuthToken): boolean {
    return isSameRecord(this.#record, recordOf(OAuthToken.from(other)));
  }

  /**
   * A changed copy. A field given as `null` is absent in the copy; another access token that comes
   * without an expiry has none.
   *
   * @throws InvalidTokenError as the constructor does
   */
  with(changes: TokenInit): OAuthToken {
    const given: unknown = changes;
    if (!isPlainObject(given))
      throw new InvalidTokenError('changes', 'must be an object of fields');
    const { userName, expiresAt, ...rest } = this.#record;
    // An expiry belongs to the access token beside it (contract C3).
    const isRenewed = changes.accessToken != null && changes.accessToken !== rest.accessToken;
    return new OAuthToken({
      ...rest,
      ...(userName == null ? {} : { userSignature: { name: userName } }),
      ...(changes.expiresIn == null && !isRenewed ? { expiresAt } : {}),
      ...changes,
    });
  }

  /** A plain copy with the secrets in the clear: for storing, never for logging. */
  toRecord(): TokenRecord {
    return { ...this.#record };
  }

  /** The fields with the secrets redacted. */
  toJSON(): Record<string, unknown> {
    const shown: Record<string, unknown> = {};
    for (const field of RECORD_FIELDS) {
      const value = this.#record[field];
      if (value == null) continue;
      if (SECRET_FIELDS.has(field)) shown[field] = REDACTED;
      else if (field === 'userName') shown['userSignature'] = { name: value };
      else shown[field] = value;
    }
    return shown;
  }

  override toString(): string {
    return `OAuthToken ${JSON.stringify(this)}`;
  }

  static {
    brand(OAuthToken, 'OAuthToken');
    recordIn = (token) => {
      const given: object = token;
      // One of another copy of this package gives a copy.
      return #record in given ? given.#record : token.toRecord();
    };
    fieldOf = (token, field) => {
      // Reflection over a bare prototype calls the getters on something that is no token.
      return #record in token ? token.#record[field] : undefined;
    };
    for (const prototype of [OAuthToken.prototype, SecretFields.prototype]) {
      refuseAssignments(prototype);
    }
    // What `console.log` and `util.inspect` show: the fields with the secrets redacted.
    Object.defineProperty(OAuthToken.prototype, Symbol.for('nodejs.util.inspect.custom'), {
      value(this: OAuthToken, _depth: number, options: object, inspect: Inspect): string {
        return `OAuthToken ${inspect(this.toJSON(), options)}`;
      },
    });
  }
}

/**
 * The plain fields of a token, or of a record as it is.
 *
 * @throws InvalidTokenError for anything else
 */
export function recordOf(given: OAuthToken | TokenRecord): Readonly<TokenRecord> {
  if (given instanceof OAuthToken) return recordIn(given);
  if (isPlainObject(given)) return given;
  throw new InvalidTokenError('token', 'is neither an OAuthToken nor the plain record of one');
}

const FINGERPRINT_PROPERTY: PropertyDescriptor = {
  enumerable: true,
  get(this: OAuthToken): string {
    return fingerprintOf(recordIn(this));
  },
};

/** Says what to do instead, which the error of the language does not (contract T2). */
function refuseAssignments(prototype: object): void {
  for (const [field, property] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
    if (property.get === undefined) continue;
    Object.defineProperty(prototype, field, {
      ...property,
      set(): never {
        throw new InvalidTokenError(
          field,
          `can not be set, as a token never changes: use token.with({ ${field}: ... })`,
        );
      },
    });
  }
}

type Inspect = (value: unknown, options: object) => string;

/** What to give in place of a field that was meant well. */
const ADVICE: Readonly<Record<string, string>> = {
  userName: 'give userSignature: { name }',
  access_token: 'use OAuthToken.fromTokenResponse for the answer of a token endpoint',
  refresh_token: 'use OAuthToken.fromTokenResponse for the answer of a token endpoint',
  expires_in: 'use OAuthToken.fromTokenResponse for the answer of a token endpoint',
  redirectURL: 'give redirectUrl',
};

function checkedRecord(init: TokenInit): TokenRecord {
  const given: unknown = init;
  if (!isPlainObject(given))
    throw new InvalidTokenError('token', 'must be made from an object of fields');
  for (const field in init) {
    if (INIT_FIELDS.has(field)) continue;
    const advice = Object.hasOwn(ADVICE, field)
      ? ADVICE[field]
      : 'see TokenInit, and put what else a provider sent into extra';
    throw new InvalidTokenError(quoted(field), `is not a field of a token: ${advice}`);
  }
  const record = checkedFields(init, checkUserSignature(init.userSignature));
  if (record.expiresAt != null && record.expiresAt > 0 && record.expiresAt < MIN_EXPIRES_AT) {
    throw new InvalidTokenError(
      'expiresAt',
      'is meant in milliseconds since the epoch, and looks like seconds: multiply it by 1000, or give the seconds that are left as expiresIn',
    );
  }
  const expiresIn = checkInteger('expiresIn', init.expiresIn, 0);
  if (expiresIn === undefined) return record;
  if (record.expiresAt !== undefined) {
    throw new InvalidTokenError('expiresIn', 'is given together with expiresAt: give one of them');
  }
  if (expiresIn > MAX_EXPIRES_IN) {
    throw new InvalidTokenError(
      'expiresIn',
      'is meant in seconds from now, and is more than 100 years: divide milliseconds by 1000, or give a point in time as expiresAt',
    );
  }
  record.expiresAt = Date.now() + expiresIn * 1000;
  return record;
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
function checkedStored(record: TokenRecord): Checked {
  const given: unknown = record;
  if (!isPlainObject(given)) throw recordCorrupt(undefined, 'it is not an object');
  for (const field in record) {
    if (RECORD_FIELD_NAMES.has(field)) continue;
    throw recordCorrupt(
      record.id,
      `${quoted(field)} is not a field of a record`,
      'If a newer version saved it, upgrade @tokenkeep; else restore it from a backup, or delete it and log in again',
    );
  }
  try {
    return new Checked(checkedFields(record, checkString('userName', record.userName)));
  } catch (error) {
    if (error instanceof InvalidTokenError) throw recordCorrupt(record.id, error.message);
    throw error;
  }
}

/** A copy of the fields that tokens and records have alike. */
function checkedFields(
  given: Omit<TokenRecord, 'userName'>,
  userName: string | undefined,
): TokenRecord {
  const record: TokenRecord = {};
  for (const field of STRING_FIELDS) {
    const value = checkString(field, given[field]);
    if (value !== undefined) record[field] = value;
  }
  if (userName !== undefined) record.userName = userName;
  const expiresAt = checkInteger('expiresAt', given.expiresAt, Number.MIN_SAFE_INTEGER);
  if (expiresAt !== undefined) record.expiresAt = expiresAt;
  const version = checkInteger('version', given.version, 1);
  if (version !== undefined) record.version = version;
  const extra = checkExtra(given.extra);
  if (extra !== undefined) record.extra = extra;
  return record;
}

function checkUserSignature(signature: unknown): string | undefined {
  if (signature === null || signature === undefined || signature === '') return undefined;
  if (typeof signature !== 'object' || !('name' in signature || isPlainObject(signature))) {
    throw new InvalidTokenError('userSignature', 'must be an object with a name');
  }
  for (const field in signature) {
    if (field !== 'name')
      throw new InvalidTokenError('userSignature', `has a field besides name: ${quoted(field)}`);
  }
  return checkString('userSignature.name', 'name' in signature ? signature.name : undefined);
}
