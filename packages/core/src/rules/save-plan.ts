import { AmbiguousTokenError, InvalidTokenError, TokenConflictError } from '../errors.ts';
import { checkExtra, type JsonObject } from '../token/field-checks.ts';
import { type OAuthToken, recordOf } from '../token/oauth-token.ts';
import { RECORD_FIELDS, type StoredRecord, type TokenRecord } from '../token/token-fields.ts';
import {
  agrees,
  findMatch,
  keysOf,
  matchesOn,
  OWNER_FIELDS,
  type TokenKey,
  whatToName,
} from './matching.ts';

/** What a save writes, in one step: all of it or nothing (contract C15). */
export interface RecordChange {
  /** The record as it shall be. */
  readonly record: StoredRecord;
  /** The record that it takes the place of, as it was read; `null` to add one. Same id, same place in the order. */
  readonly replaces: StoredRecord | null;
  /** Records that are absorbed into it and go, as they were read (contract C5). */
  readonly absorbs: readonly StoredRecord[];
}

/** What {@link planSave} comes to: a change to write, or keys that have to be looked up as well. */
export type SavePlan =
  | { readonly change: RecordChange; readonly lookUp?: undefined }
  | { readonly change?: undefined; readonly lookUp: readonly TokenKey[] };

/** What a save is to do besides, and what it is to add a record with. */
export interface PlanOptions {
  /** See V2. */
  readonly ifVersion?: number | undefined;
  /** See V5. */
  readonly ifExists?: boolean | undefined;
  /** Fields of the record that are made absent, see C18. */
  readonly clear?: readonly (keyof TokenRecord)[] | undefined;
  /**
   * The highest version of a record that was deleted or absorbed: a record that is added under an
   * id of the token's own begins above it, as that id may have been used before (V1).
   *
   * @default 0
   */
  readonly deletedVersion?: number | undefined;
  /** Gives the id of a record that is added: unguessable, and never used before (C8). */
  readonly makeId?: (() => string) | undefined;
}

/**
 * What to write to save a token (contract C3 to C8, C18, V1, V2, V5). Pure: every store decides by it.
 *
 * @param candidates every record that has the value of at least one of `keys`
 * @param keys what the candidates were looked up by: the token's keys, or the `lookUp` of the plan before
 * @throws AmbiguousTokenError, TokenConflictError, InvalidTokenError as C4, C7, M4, V2 and V5 say;
 *   their `operation` is `saveToken` until a store says otherwise
 */
export function planSave(
  given: OAuthToken | TokenRecord,
  candidates: readonly StoredRecord[],
  keys: readonly TokenKey[],
  options: PlanOptions = {},
): SavePlan {
  const token = recordOf(given);
  refuseTakenUserName(token, candidates);
  const own = keysOf(token);
  const current = findMatch(token, candidates, own);
  refuseOtherVersion(current, options);
  if (current === null) {
    return { change: { record: newRecord(token, options), replaces: null, absorbs: [] } };
  }

  const { clear = [] } = options;
  const record = mergedRecord(token, current, clear);
  if (isRenamed(current, record)) {
    // Only an id can lead to a record of another name, and then records that the token's own keys
    // do not lead to may stand in its way.
    const needed = keysOf({ ...record, id: null });
    if (!needed.every((key) => keys.some((known) => isSameKey(key, known)))) {
      const more = needed.filter((key) => !own.some((known) => isSameKey(key, known)));
      return { lookUp: [...own, ...more] };
    }
  }
  const others = distinct(candidates.filter((candidate) => candidate.id !== current.id));
  const absorbs = others.filter((other) => own.some((key) => matchesOn(key, token, other)));
  for (const other of absorbs) absorb(record, other, token, clear);
  if (isRenamed(current, record)) {
    const inTheWay = others.some(
      (other) =>
        !absorbs.includes(other) &&
        keysOf({ ...record, id: null }).some((key) => matchesOn(key, record, other)),
    );
    if (inTheWay) throw taken();
  }
  return { change: { record, replaces: current, absorbs } };
}

/**
 * Refuses to change a record that is not as it was when the caller read it (contract V2, V4, V5).
 *
 * @param current the record, or `null` where there is none
 * @throws TokenConflictError `VERSION_CONFLICT`
 */
export function refuseOtherVersion(
  current: Pick<StoredRecord, 'version'> | null,
  { ifVersion, ifExists = false }: Pick<PlanOptions, 'ifVersion' | 'ifExists'>,
): void {
  const currentVersion = current?.version ?? 0;
  const isMissing = ifExists && current === null;
  if (!isMissing && (ifVersion === undefined || ifVersion === currentVersion)) return;
  const wanted = ifVersion === undefined ? 'ifExists is true' : `ifVersion is ${ifVersion}`;
  const found =
    current === null
      ? 'there is no such record: it was deleted, or never saved'
      : `the record has version ${currentVersion}: read it again, and apply the change to that`;
  throw new TokenConflictError(
    'VERSION_CONFLICT',
    `${wanted}, but ${found}. Nothing was changed.`,
    {
      currentVersion,
      operation: 'saveToken',
    },
  );
}

/** C7: an explicit id does not take a user name away from the record that has it. */
function refuseTakenUserName(token: TokenRecord, candidates: readonly StoredRecord[]): void {
  const { id, userName } = token;
  if (id == null || userName == null) return;
  const key: TokenKey = { field: 'userName', value: userName };
  if (candidates.some((record) => record.id !== id && matchesOn(key, token, record))) throw taken();
}

function taken(): TokenConflictError {
  return new TokenConflictError(
    'TOKEN_CONFLICT',
    'Another record already stands for this user of this client. Save without the id, name the client, or delete the other record first; nothing was changed.',
    { operation: 'saveToken' },
  );
}

function newRecord(
  token: TokenRecord,
  { deletedVersion = 0, makeId = newId }: PlanOptions,
): StoredRecord {
  const { refreshToken, grantToken, accessToken } = token;
  const extra = token.extra == null ? undefined : mergedExtra(null, token.extra);
  const hasExtra = extra !== undefined && Object.keys(extra).length > 0;
  if (refreshToken == null && grantToken == null && accessToken == null && !hasExtra) {
    throw new InvalidTokenError(
      'token',
      'matches no record and has no refresh, grant or access token and no extra: there is nothing to add',
      { operation: 'saveToken' },
    );
  }
  return {
    ...token,
    ...(extra && { extra }),
    id: token.id ?? makeId(),
    version: token.id == null ? 1 : deletedVersion + 1,
  };
}

/** C3: what the token has replaces, what it lacks stays; so do the id and the place in the order. */
function mergedRecord(
  token: TokenRecord,
  current: StoredRecord,
  clear: readonly (keyof TokenRecord)[],
): StoredRecord {
  const record = { ...current, ...token, id: current.id, version: current.version + 1 };
  // An expiry belongs to the access token beside it.
  const hasNewAccessToken = token.accessToken != null && token.accessToken !== current.accessToken;
  if (hasNewAccessToken && token.expiresAt == null) delete record.expiresAt;
  if (token.extra != null) record.extra = mergedExtra(current.extra, token.extra);
  for (const field of clear) delete record[field];
  return record;
}

/**
 * C3: RFC 7396 at the top level. A name given as `null` goes, a name not given stays.
 *
 * @throws InvalidTokenError if it comes to be longer than a field may be
 */
function mergedExtra(before: JsonObject | null | undefined, given: JsonObject): JsonObject {
  const merged = Object.entries({ ...before, ...given }).filter(
    ([name, value]) => value !== null || !Object.hasOwn(given, name),
  );
  return checkExtra(Object.fromEntries(merged)) ?? {};
}

/** C5: takes over what a record has that is about to go, without mixing users, clients or tokens. */
function absorb(
  record: StoredRecord,
  other: StoredRecord,
  token: TokenRecord,
  clear: readonly (keyof TokenRecord)[],
): void {
  if (!agrees(record, other)) {
    throw new AmbiguousTokenError(
      `The keys of this token lead to records of different users or clients. Name ${whatToName(token, record, other)} too, so that one record matches; nothing was changed.`,
      { operation: 'saveToken' },
    );
  }
  const hadAccessToken = record.accessToken != null;
  for (const field of RECORD_FIELDS) {
    // An expiry belongs to the access token beside it.
    if (field === 'expiresAt' && (hadAccessToken || other.accessToken == null)) continue;
    // Who was refreshing the other record is not refreshing this one.
    if (field === 'lease' || clear.includes(field)) continue;
    if (record[field] == null && other[field] != null)
      Object.assign(record, { [field]: other[field] });
  }
}

/**
 * Whether a record comes to name another user, client, issuer or resource than it did, or none any
 * more: it may agree with other records then.
 */
export function isRenamed(before: TokenRecord, after: TokenRecord): boolean {
  return OWNER_FIELDS.some((field) => before[field] != null && before[field] !== after[field]);
}

function isSameKey(a: TokenKey, b: TokenKey): boolean {
  return a.field === b.field && a.value === b.value;
}

function distinct(records: readonly StoredRecord[]): readonly StoredRecord[] {
  if (records.length < 2) return records;
  return [...new Map(records.map((record) => [record.id, record])).values()];
}

/** C8: 128 random bits, as 32 lower-case hexadecimal digits. */
export function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
