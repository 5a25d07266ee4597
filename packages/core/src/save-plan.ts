import { AmbiguousTokenError, InvalidTokenError, TokenConflictError } from './errors.ts';
import { agrees, findMatch, keysOf, matchesOn, type TokenKey, whatToName } from './matching.ts';
import { RECORD_FIELDS, type StoredRecord, type TokenRecord } from './oauth-token.ts';

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

/**
 * What to write to save a token (contract C3 to C8, V1, V2). Pure: every store decides by it.
 *
 * @param candidates every record that has the value of at least one of `keys`
 * @param keys what the candidates were looked up by: the token's keys, or the `lookUp` of the plan before
 * @param ifVersion see V2
 * @param makeId gives the id of a record that is added: unguessable, and never used before (C8)
 * @throws AmbiguousTokenError, TokenConflictError, InvalidTokenError as C4, C7, M4 and V2 say
 */
export function planSave(
  token: TokenRecord,
  candidates: readonly StoredRecord[],
  keys: readonly TokenKey[],
  ifVersion?: number,
  makeId: () => string = newId,
): SavePlan {
  refuseTakenUserName(token, candidates);
  const own = keysOf(token);
  const current = findMatch(token, candidates, own);
  refuseOtherVersion(current, ifVersion);
  if (current === null)
    return { change: { record: newRecord(token, makeId), replaces: null, absorbs: [] } };

  const record = mergedRecord(token, current);
  if (isRenamed(current, record)) {
    // Only an id can lead to a record of another name, and then records that the token's own keys
    // do not lead to may stand in its way.
    const needed = keysOf({ ...record, id: null });
    if (!needed.every((key) => keys.some((known) => sameKey(key, known)))) {
      const more = needed.filter((key) => !own.some((known) => sameKey(key, known)));
      return { lookUp: [...own, ...more] };
    }
  }
  const others = distinct(candidates.filter((candidate) => candidate.id !== current.id));
  const absorbs = others.filter((other) => own.some((key) => matchesOn(key, token, other)));
  for (const other of absorbs) absorb(record, other, token);
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
  );
}

function refuseOtherVersion(current: StoredRecord | null, ifVersion: number | undefined): void {
  const currentVersion = current?.version ?? 0;
  if (ifVersion === undefined || ifVersion === currentVersion) return;
  const found =
    current === null ? 'there is no such record' : `the record has version ${currentVersion}`;
  throw new TokenConflictError(
    'VERSION_CONFLICT',
    `ifVersion is ${ifVersion}, but ${found}. Read it again, apply the change to that, and save again; nothing was changed.`,
    { currentVersion },
  );
}

function newRecord(token: TokenRecord, makeId: () => string): StoredRecord {
  if (token.refreshToken == null && token.grantToken == null && token.accessToken == null) {
    throw new InvalidTokenError(
      'token',
      'matches no record and has no refresh, grant or access token: there is nothing to add',
    );
  }
  return { ...token, id: token.id ?? makeId(), version: 1 };
}

/** C3: what the token has replaces, what it lacks stays; so do the id and the place in the order. */
function mergedRecord(token: TokenRecord, current: StoredRecord): StoredRecord {
  return { ...current, ...token, id: current.id, version: current.version + 1 };
}

/** C5: takes over what a record has that is about to go, without mixing users, clients or tokens. */
function absorb(record: StoredRecord, other: StoredRecord, token: TokenRecord): void {
  if (!agrees(record, other)) {
    throw new AmbiguousTokenError(
      `The keys of this token lead to records of different users or clients. Name ${whatToName(token)} too, so that one record is meant; nothing was changed.`,
    );
  }
  const hadAccessToken = record.accessToken != null;
  for (const field of RECORD_FIELDS) {
    // An expiry belongs to the access token beside it.
    if (field === 'expiresAt' && hadAccessToken) continue;
    if (record[field] == null && other[field] != null)
      Object.assign(record, { [field]: other[field] });
  }
}

/** Whether a record is about to name another user or client than it did: only a save by its id does that. */
export function isRenamed(before: StoredRecord, after: StoredRecord): boolean {
  return (
    (before.userName != null && before.userName !== after.userName) ||
    (before.clientId != null && before.clientId !== after.clientId)
  );
}

function sameKey(a: TokenKey, b: TokenKey): boolean {
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
