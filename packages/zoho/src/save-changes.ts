import {
  type OAuthToken,
  TokenConflictError,
  type TokenInit,
  type TokenStore,
} from '@tokenkeep/core';

/** What a save came to. */
export interface Outcome {
  /** The record as it is stored now. */
  readonly record: OAuthToken;
  /** Whether that is what somebody else has stored, to be used in place of what was to be saved. */
  readonly isNewer: boolean;
}

/**
 * Saves what has changed since a record was read, unless that record has become another one.
 *
 * What a refresh brought belongs into the record that held the refresh token it was got with. It
 * never replaces a login that came later, and never brings back what was deleted meanwhile.
 *
 * @param read the record as it was read
 * @param wanted what to save
 * @throws TokenConflictError `VERSION_CONFLICT` if the record was deleted
 */
export async function saveChanges(
  store: TokenStore,
  read: OAuthToken,
  wanted: OAuthToken,
): Promise<Outcome> {
  const changes = changesOf(read, wanted);
  // A store of your own may have no versions.
  if (read.version === undefined) return saved(await saveUnnamed(store, changes));
  for (let known = read; ; ) {
    try {
      const options = { ifVersion: known.version ?? 0 };
      return saved(await saveUnnamed(store, changes, options));
    } catch (error) {
      if (!hasCode(error, 'VERSION_CONFLICT')) throw error;
      const record = await store.findTokenById(read.id ?? '');
      if (record === null) throw deletedMeanwhile();
      // A store that refuses the version it gives would be asked for ever.
      if (record.version === known.version) throw error;
      if (!isOursToReplace(record, read, wanted)) return { record, isNewer: true };
      known = record;
    }
  }
}

/**
 * Saves a token whose user was looked up after its record was read. Where that user has another
 * record of this client, this one stays nameless: to absorb it into the other (contract C5) would
 * take its id from the programs that hold it.
 */
export async function saveUnnamed(
  store: TokenStore,
  token: OAuthToken,
  options?: { ifVersion: number },
): Promise<OAuthToken> {
  try {
    return await store.saveToken(token, options);
  } catch (error) {
    if (!hasCode(error, 'TOKEN_CONFLICT') || token.id === undefined) throw error;
    const record = await store.findTokenById(token.id);
    if (record === null || record.userSignature !== undefined) throw error;
    return store.saveToken(token.with({ userSignature: null }), options);
  }
}

/** Whether a token is what became of a record that was read, and not another one. */
export function isSameRecord(read: OAuthToken, wanted: OAuthToken): boolean {
  if (wanted.id !== undefined) return wanted.id === read.id;
  const userName = read.userSignature?.name;
  return (
    (userName === undefined || userName === wanted.userSignature?.name) &&
    (read.clientId === undefined || read.clientId === wanted.clientId)
  );
}

const FIELDS = [
  'clientId',
  'clientSecret',
  'redirectUrl',
  'grantToken',
  'refreshToken',
  'accessToken',
  'apiDomain',
] as const;

/** What the SDK did not change is not written back: another process may have, meanwhile. */
function changesOf(read: OAuthToken, wanted: OAuthToken): OAuthToken {
  const unchanged: TokenInit = { id: read.id };
  for (const field of FIELDS) {
    if (wanted[field] === read[field]) unchanged[field] = null;
  }
  if (wanted.userSignature?.name === read.userSignature?.name) unchanged.userSignature = null;
  // A name is another client's as well: without the client it would be refused (contract C7).
  else unchanged.clientId = wanted.clientId;
  // An expiry belongs to its access token (contract C3).
  if (wanted.accessToken === read.accessToken && wanted.expiresAt === read.expiresAt) {
    unchanged.expiresAt = null;
  }
  return wanted.with(unchanged);
}

/** Whether a record that somebody else has changed since it was read is to be saved over. */
function isOursToReplace(record: OAuthToken, read: OAuthToken, wanted: OAuthToken): boolean {
  // Another login, or the next refresh token of a server that gives each once.
  if (record.refreshToken !== read.refreshToken) return false;
  // What was spent stands there still: ours is what the server gave for it.
  if (wanted.refreshToken !== read.refreshToken) return true;
  if (record.accessToken === read.accessToken) return true;
  // Somebody has refreshed, too. Or it was us, and the answer was lost.
  return (wanted.expiresAt ?? 0) > (record.expiresAt ?? 0);
}

function deletedMeanwhile(): TokenConflictError {
  return new TokenConflictError(
    'VERSION_CONFLICT',
    'The record was deleted while the SDK got a new access token for it, so that is not kept: log in again.',
    { operation: 'saveToken', currentVersion: 0 },
  );
}

function saved(record: OAuthToken): Outcome {
  return { record, isNewer: false };
}

/** The store may have been made with another copy of core than this package has. */
function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
