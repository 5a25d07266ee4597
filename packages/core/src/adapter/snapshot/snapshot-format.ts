import { recordCorrupt, TokenStoreError } from '../../errors.ts';
import { OAuthToken } from '../../token/oauth-token.ts';
import type { StoredRecord } from '../../token/token-fields.ts';

/** What stands in a snapshot. */
export interface SnapshotContent {
  /** Another one with each writing: 32 lower-case hexadecimal digits. */
  readonly revision: string;
  /** The highest version of a record that was deleted or absorbed (contract V1). */
  readonly deletedVersion: number;
  readonly records: readonly StoredRecord[];
}

/** The version of the format that this package writes. It reads version 1, too, which had no deletedVersion. */
const VERSION = 2;

/** How many bytes the first line has, in which the revision is. */
export const HEAD_BYTES: number = headOf('0'.repeat(32)).length;

/** The text of a snapshot: one line for each record, so that people and tools that compare can read it. */
export function formatSnapshot({ revision, deletedVersion, records }: SnapshotContent): string {
  const lines = records.map((record) => JSON.stringify(record));
  return `${headOf(revision)}"deletedVersion":${deletedVersion},\n"records":[\n${lines.join(',\n')}\n]}\n`;
}

function headOf(revision: string): string {
  return `{"tokenkeep":${VERSION},"revision":"${revision}",\n`;
}

/**
 * What stands in a snapshot, checked down to each field.
 *
 * @throws TokenStoreError `RECORD_CORRUPT` if it is damaged, `SCHEMA_UNKNOWN` if it is something
 *   else or of a later version
 * @param place where it stands, for messages, such as `the file "./tokens.json"`
 */
export function parseSnapshot(place: string, bytes: Uint8Array): SnapshotContent {
  const content = parseJson(place, bytes);
  if (!isObject(content) || !('tokenkeep' in content))
    throw unknown(place, 'holds something else than tokens');
  const { tokenkeep: version, revision, deletedVersion = 0, records } = content;
  if (version !== 1 && version !== VERSION)
    throw unknown(place, `is of no version up to ${VERSION}, those that are known here`);
  if (
    typeof revision !== 'string' ||
    !Array.isArray(records) ||
    typeof deletedVersion !== 'number'
  ) {
    throw damaged(place, 'it lacks its revision, its deletedVersion or its list of records');
  }
  const ids = new Set<string>();
  for (const record of records) {
    const { id, version: recordVersion } = OAuthToken.fromRecord(record);
    if (id === undefined) throw recordCorrupt(undefined, `it stands in ${place} without one`);
    if (recordVersion === undefined) throw recordCorrupt(id, 'it has no version');
    if (ids.has(id)) throw recordCorrupt(id, 'another record has the same id');
    ids.add(id);
  }
  return { revision, deletedVersion, records };
}

function parseJson(place: string, bytes: Uint8Array): unknown {
  if (bytes.length === 0) throw damaged(place, 'it is empty, which no save leaves behind');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    // What the parser says quotes the text.
    throw damaged(place, 'it is not JSON in UTF-8 from its beginning to its end');
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function damaged(place: string, problem: string): TokenStoreError {
  return new TokenStoreError(
    'RECORD_CORRUPT',
    `${capitalized(place)} is damaged: ${problem}. Restore it from a backup, or delete it and log in again; it was left as it is.`,
  );
}

function unknown(place: string, problem: string): TokenStoreError {
  return new TokenStoreError(
    'SCHEMA_UNKNOWN',
    `${capitalized(place)} ${problem}. Name another, or upgrade this package if a newer version of it made that; it was left as it is.`,
  );
}

function capitalized(place: string): string {
  return place.charAt(0).toUpperCase() + place.slice(1);
}
