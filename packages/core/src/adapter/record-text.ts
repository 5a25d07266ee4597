import { recordCorrupt } from '../errors.ts';
import type { StoredRecord } from '../token/token-fields.ts';

/**
 * The record in a text of JSON.
 *
 * @param name of what the text stands in, for the error
 * @throws TokenStoreError `RECORD_CORRUPT`; the rest of the checks is done by `OAuthToken.fromRecord`
 */
export function recordInText(text: unknown, name: string): StoredRecord {
  try {
    const record: StoredRecord | null = JSON.parse(String(text));
    if (typeof record?.id === 'string') return record;
  } catch {
    // What follows goes for it as well.
  }
  throw recordCorrupt(name, 'it is not JSON with an id');
}
