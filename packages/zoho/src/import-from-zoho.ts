import { InvalidTokenError, OAuthToken, type TokenStore, TokenStoreError } from '@tokenkeep/core';
import { readFileStore } from './file-store-rows.ts';
import { tokensOfVendor } from './token-store-from-zoho.ts';
import type { ZohoOAuthToken, ZohoSdk, ZohoVendorStore } from './zoho-sdk.ts';

/** Where {@link importFromZoho} reads: the file of a `FileStore`, or any store of the SDK's kind. */
export type ZohoImportSource<Token extends ZohoOAuthToken = ZohoOAuthToken> =
  | { readonly file: string }
  | { readonly store: ZohoVendorStore<Token>; readonly sdk: ZohoSdk<Token> };

/** What {@link importFromZoho} did. */
export interface ZohoImportReport {
  /** How many records were added. */
  imported: number;
  /** How many were left out for another one of the same user and client that expires later. */
  outdated: number;
  /** How many the new store had already; they were left as they are there. */
  known: number;
  /** Records that can't be used. These users have to log in again. */
  refused: { where: string; problem: string }[];
}

/** A record of the vendor's store: `fields` throws if it is spoilt. */
interface VendorRecord {
  readonly where: string;
  readonly token: () => OAuthToken;
}

/**
 * Copies the records of a vendor's store into another one. It only adds: what that store has already
 * is left as it is, so that it may be run again at any time.
 *
 * @param store a store with versions: any of tokenkeep's
 * @throws TokenStoreError if either store fails as a whole; run it again then
 *
 * @example
 * const report = await importFromZoho({ file: './sdk_tokens.txt' }, store);
 * console.log(report.imported, 'imported', report.refused);
 */
export async function importFromZoho<Token extends ZohoOAuthToken>(
  source: ZohoImportSource<Token>,
  store: TokenStore,
): Promise<ZohoImportReport> {
  const report: ZohoImportReport = { imported: 0, outdated: 0, known: 0, refused: [] };
  const good: { where: string; token: OAuthToken }[] = [];
  for (const { where, token } of await recordsOf(source)) {
    await refusing(report, where, async () => void good.push({ where, token: token() }));
  }
  const current = currentOf(good.map(({ token }) => token));
  for (const { where, token } of good) {
    if (!current.has(token)) {
      report.outdated += 1;
      continue;
    }
    await refusing(report, where, async () => {
      if (await addNew(store, token)) report.imported += 1;
      else report.known += 1;
    });
  }
  return report;
}

async function recordsOf<Token extends ZohoOAuthToken>(
  source: ZohoImportSource<Token>,
): Promise<VendorRecord[]> {
  if ('file' in source) {
    const rows = await readFileStore(source.file);
    return rows.map(({ where, fields }) => ({ where, token: () => new OAuthToken(fields()) }));
  }
  const records = await tokensOfVendor(source.store, source.sdk);
  return records.map(({ id, token }) => ({ where: `record ${JSON.stringify(id)}`, token }));
}

/** Goes on after what is wrong with one record, and reports it. */
async function refusing(
  report: ZohoImportReport,
  where: string,
  work: () => Promise<void>,
): Promise<void> {
  try {
    await work();
  } catch (error) {
    const isOfRecord =
      error instanceof TokenStoreError &&
      ['INVALID_TOKEN', 'RECORD_CORRUPT', 'AMBIGUOUS_TOKEN'].includes(error.code);
    if (!isOfRecord) throw error;
    report.refused.push({ where, problem: error.message });
  }
}

/**
 * Of the records of one user of one client, or with one refresh or grant token, the one that expires
 * last. Not the one that stands last: the vendor's stores leave two records after saves at the same
 * time, and then go on updating the first.
 */
function currentOf(tokens: readonly OAuthToken[]): ReadonlySet<OAuthToken> {
  const current = new Set<OAuthToken>();
  const userOf = new Map<string, string | undefined>();
  for (const token of tokens.toSorted(byUse)) {
    const user = token.userSignature?.name;
    const keys = Object.entries({
      user,
      refreshToken: token.refreshToken,
      grantToken: token.grantToken,
    })
      .filter(([, value]) => value !== undefined)
      .map((entry) => JSON.stringify([token.clientId, ...entry]));
    const isOutdated = keys.some((key) => {
      const other = userOf.get(key);
      return userOf.has(key) && (user === undefined || other === undefined || user === other);
    });
    if (isOutdated) continue;
    current.add(token);
    for (const key of keys) userOf.set(key, user);
  }
  return current;
}

/** What can be renewed first, and then what expires last. */
function byUse(a: OAuthToken, b: OAuthToken): number {
  const renews = (token: OAuthToken): number => (token.refreshToken === undefined ? 0 : 1);
  return renews(b) - renews(a) || (b.expiresAt ?? 0) - (a.expiresAt ?? 0);
}

/** Adds a record, unless the store has it, or another login of its user. */
async function addNew(store: TokenStore, token: OAuthToken): Promise<boolean> {
  if (await addedAs(store, token)) return true;
  const namesake = token.id === undefined ? null : await store.findTokenById(token.id);
  // The ids of the vendor's stores are 1, 2, 3: those of two of them are the same.
  if (namesake === null || !isOfAnother(namesake, token)) return false;
  return addedAs(store, token.with({ id: null }));
}

async function addedAs(store: TokenStore, token: OAuthToken): Promise<boolean> {
  try {
    await store.saveToken(token, { ifVersion: 0 });
    return true;
  } catch (error) {
    if (!(error instanceof TokenStoreError) || error instanceof InvalidTokenError) throw error;
    if (error.code === 'VERSION_CONFLICT' || error.code === 'TOKEN_CONFLICT') return false;
    throw error;
  }
}

function isOfAnother(record: OAuthToken, token: OAuthToken): boolean {
  const isOther = (one: string | undefined, other: string | undefined): boolean =>
    one !== undefined && other !== undefined && one !== other;
  return (
    isOther(record.userSignature?.name, token.userSignature?.name) ||
    isOther(record.clientId, token.clientId)
  );
}
