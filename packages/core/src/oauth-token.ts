import { InvalidTokenError, quoted, recordCorrupt } from './errors.ts';
import {
  checkExtra,
  checkInteger,
  checkString,
  isPlainObject,
  type JsonObject,
} from './field-checks.ts';
import { type TokenResponseContext, tokenInitOf } from './token-response.ts';

/** Whom a token belongs to. */
export interface UserSignature {
  /** The user's name, such as an e-mail address. Compared exactly (contract T4). */
  readonly name: string;
}

/** What an {@link OAuthToken} is made of. `null`, `undefined` and `""` mean absent (contract T3). */
export interface TokenInit {
  /** The id of the record. A store gives one where it is left out. */
  id?: string | null | undefined;
  userSignature?: { name?: string | null | undefined } | null | undefined;
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
  /** When the access token expires: milliseconds since the epoch. */
  expiresAt?: number | null | undefined;
  /** In place of `expiresAt`: whole seconds from now (RFC 6749 section 5.1). */
  expiresIn?: number | null | undefined;
  /** The version of the record; given by the store (contract V1). */
  version?: number | null | undefined;
  /** Whatever else the provider sent: up to 64 KiB as JSON. Secret. */
  extra?: JsonObject | null | undefined;
}

/**
 * A token as it goes over the edge of a storage: plain, flat and with its secrets in the clear.
 * `null` and `undefined` mean absent.
 */
export interface TokenRecord {
  id?: string | null | undefined;
  userName?: string | null | undefined;
  clientId?: string | null | undefined;
  clientSecret?: string | null | undefined;
  redirectUrl?: string | null | undefined;
  grantToken?: string | null | undefined;
  refreshToken?: string | null | undefined;
  accessToken?: string | null | undefined;
  apiDomain?: string | null | undefined;
  scope?: string | null | undefined;
  tokenType?: string | null | undefined;
  /** Milliseconds since the epoch. */
  expiresAt?: number | null | undefined;
  version?: number | null | undefined;
  extra?: JsonObject | null | undefined;
}

/** A record that is kept in a store: it has an id and a version. */
export interface StoredRecord extends TokenRecord {
  id: string;
  version: number;
}

const SECRET_FIELDS = [
  'clientSecret',
  'grantToken',
  'refreshToken',
  'accessToken',
  'extra',
] as const;
const STRING_FIELDS = [
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
] as const;
const INIT_FIELDS: ReadonlySet<string> = new Set([
  ...STRING_FIELDS,
  'userSignature',
  'expiresAt',
  'expiresIn',
  'version',
  'extra',
]);
/** The fields of a {@link TokenRecord}, in the order in which they are shown. */
export const RECORD_FIELDS: readonly (keyof TokenRecord)[] = [
  'id',
  'userName',
  'clientId',
  'clientSecret',
  'redirectUrl',
  'grantToken',
  'refreshToken',
  'accessToken',
  'apiDomain',
  'scope',
  'tokenType',
  'expiresAt',
  'version',
  'extra',
];

const RECORD_FIELD_NAMES: ReadonlySet<string> = new Set(RECORD_FIELDS);

/** A record that a token may be made of as it is. */
class Checked {
  readonly record: TokenRecord;
  constructor(record: TokenRecord) {
    this.record = record;
  }
}

/** Records that can not have changed since: to check them again would cost a find its share. */
const checkedBefore = new WeakMap<TokenRecord, Checked>();

/** Tells a token of another copy of this package from a stranger: an app may hold two versions. */
const BRAND: symbol = Symbol.for('@tokenkeep/core.OAuthToken');

/** What a token holds, and not a copy of it: for this package, which does not change it. Set by the class. */
export let recordOf: (token: OAuthToken) => Readonly<TokenRecord>;

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
 * An OAuth token and what is needed to refresh it: an immutable value (contract T1 to T6).
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
    Object.freeze(this);
  }

  /**
   * The token that a record stands for: the way back from {@link OAuthToken.toRecord}.
   *
   * @throws TokenStoreError `RECORD_CORRUPT` which names the record's id, not its content
   */
  static fromRecord(record: TokenRecord): OAuthToken {
    return new OAuthToken((checkedBefore.get(record) ?? checkedStored(record)) as TokenInit);
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
    if (typeof value === 'object' && value !== null) {
      if (#record in value) return value;
      if (BRAND in value && 'toRecord' in value && typeof value.toRecord === 'function') {
        try {
          return OAuthToken.fromRecord(value.toRecord());
        } catch {
          // It has the brand but not the fields: no token after all.
        }
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
   * A changed copy. A field given as `null` is absent in the copy.
   *
   * @throws InvalidTokenError as the constructor does
   */
  with(changes: TokenInit): OAuthToken {
    const given: unknown = changes;
    if (!isPlainObject(given))
      throw new InvalidTokenError('changes', 'must be an object of fields');
    const { userName, expiresAt, ...rest } = this.#record;
    return new OAuthToken({
      ...rest,
      ...(userName == null ? {} : { userSignature: { name: userName } }),
      ...(changes.expiresIn == null ? { expiresAt } : {}),
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
      if ((SECRET_FIELDS as readonly string[]).includes(field)) shown[field] = '[redacted]';
      else if (field === 'userName') shown['userSignature'] = { name: value };
      else shown[field] = value;
    }
    return shown;
  }

  override toString(): string {
    return `OAuthToken ${JSON.stringify(this)}`;
  }

  static {
    recordOf = (token) => token.#record;
    fieldOf = (token, field) => {
      // Reflection over a bare prototype calls the getters on something that is no token.
      return #record in token ? token.#record[field] : undefined;
    };
    Object.defineProperty(OAuthToken.prototype, BRAND, { value: true });
    // What `console.log` and `util.inspect` show: the fields with the secrets redacted.
    Object.defineProperty(OAuthToken.prototype, Symbol.for('nodejs.util.inspect.custom'), {
      value(this: OAuthToken, _depth: number, options: object, inspect: Inspect): string {
        return `OAuthToken ${inspect(this.toJSON(), options)}`;
      },
    });
  }
}

type Inspect = (value: unknown, options: object) => string;

function checkedRecord(init: TokenInit): TokenRecord {
  const given: unknown = init;
  if (!isPlainObject(given))
    throw new InvalidTokenError('token', 'must be made from an object of fields');
  for (const field in init) {
    if (!INIT_FIELDS.has(field)) {
      throw new InvalidTokenError(
        quoted(field),
        'is not a field of a token: see TokenInit, and put what else a provider sent into extra',
      );
    }
  }
  const record = checkedFields(init, checkUserSignature(init.userSignature));
  const expiresIn = checkInteger('expiresIn', init.expiresIn, 0);
  if (expiresIn === undefined) return record;
  if (record.expiresAt !== undefined) {
    throw new InvalidTokenError('expiresIn', 'is given together with expiresAt: give one of them');
  }
  record.expiresAt = Date.now() + expiresIn * 1000;
  return record;
}

/** @throws TokenStoreError `RECORD_CORRUPT` */
function checkedStored(record: TokenRecord): Checked {
  const given: unknown = record;
  if (!isPlainObject(given)) throw recordCorrupt(undefined, 'it is not an object');
  try {
    for (const field in record) {
      if (!RECORD_FIELD_NAMES.has(field))
        throw new InvalidTokenError(quoted(field), 'is not a field of a record');
    }
    const checked = new Checked(checkedFields(record, checkString('userName', record.userName)));
    // Of what is frozen, only `extra` could change.
    if (record.extra == null && Object.isFrozen(record)) checkedBefore.set(record, checked);
    return checked;
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
  // Field by field and not in a loop: it is what every find and save pays, and a third of the price.
  const id = checkString('id', given.id);
  if (id !== undefined) record.id = id;
  const clientId = checkString('clientId', given.clientId);
  if (clientId !== undefined) record.clientId = clientId;
  const clientSecret = checkString('clientSecret', given.clientSecret);
  if (clientSecret !== undefined) record.clientSecret = clientSecret;
  const redirectUrl = checkString('redirectUrl', given.redirectUrl);
  if (redirectUrl !== undefined) record.redirectUrl = redirectUrl;
  const grantToken = checkString('grantToken', given.grantToken);
  if (grantToken !== undefined) record.grantToken = grantToken;
  const refreshToken = checkString('refreshToken', given.refreshToken);
  if (refreshToken !== undefined) record.refreshToken = refreshToken;
  const accessToken = checkString('accessToken', given.accessToken);
  if (accessToken !== undefined) record.accessToken = accessToken;
  const apiDomain = checkString('apiDomain', given.apiDomain);
  if (apiDomain !== undefined) record.apiDomain = apiDomain;
  const scope = checkString('scope', given.scope);
  if (scope !== undefined) record.scope = scope;
  const tokenType = checkString('tokenType', given.tokenType);
  if (tokenType !== undefined) record.tokenType = tokenType;
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
