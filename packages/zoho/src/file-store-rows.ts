import { readFile } from 'node:fs/promises';
import { type TokenInit, TokenStoreError } from '@tokenkeep/core';
import { driverCodeOf, recordCorrupt } from '@tokenkeep/core/adapter';
import { expiryOf } from './sdk-token.ts';

/** The columns of the vendor's `FileStore`. Files of older SDKs lack the last one. */
const COLUMNS = [
  'id',
  'user_name',
  'client_id',
  'client_secret',
  'refresh_token',
  'access_token',
  'grant_token',
  'expiry_time',
  'redirect_url',
  'api_domain',
] as const;

/** A row of the file, or what is wrong with it. */
export interface FileStoreRow {
  /** Such as `line 2 (id "1")`. */
  readonly where: string;
  /** @throws TokenStoreError `RECORD_CORRUPT` if the row is spoilt */
  readonly fields: () => TokenInit;
}

/**
 * The rows of a file of the vendor's `FileStore`.
 *
 * It is read here and not by that store, which makes a file where there is none, and which takes
 * what stands behind a comma in a value for the next field.
 *
 * @throws TokenStoreError `PATH_UNUSABLE`, `ACCESS_DENIED` or `SCHEMA_UNKNOWN` (no file of that store)
 */
export async function readFileStore(path: string): Promise<FileStoreRow[]> {
  const [header = '', ...lines] = (await textOf(path)).replace(/^\ufeff/, '').split(/\r?\n/);
  const columns = header.split(',').length;
  if (columns < COLUMNS.length - 1 || COLUMNS.slice(0, columns).join() !== header) {
    throw new TokenStoreError(
      'SCHEMA_UNKNOWN',
      `The file ${JSON.stringify(path)} is not of the SDK's FileStore: its first line is not ${COLUMNS.join()}. Give another path; it was left as it is.`,
    );
  }
  return lines.flatMap((line, index) => {
    // The first line is the header.
    return line.trim() === '' ? [] : [rowOf(line.split(','), columns, index + 2)];
  });
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const driverCode = driverCodeOf(error);
    const code =
      driverCode === 'EACCES' || driverCode === 'EPERM' ? 'ACCESS_DENIED' : 'PATH_UNUSABLE';
    throw new TokenStoreError(
      code,
      `The file ${JSON.stringify(path)} can not be read (${driverCode}). Give the path of the file that the SDK's FileStore has written, and the right to read it.`,
      { driverCode },
    );
  }
}

function rowOf(values: readonly string[], columns: number, line: number): FileStoreRow {
  const [id = '', userName, clientId, clientSecret, refreshToken, accessToken, grantToken] = values;
  const [, , , , , , , expiry = '', redirectUrl = '', apiDomain = ''] = values;
  // In a row that a line break has made, a part of a secret may come first.
  const isWhole = values.length === columns || /^\d{1,19}$/.test(id);
  const where = isWhole ? `line ${line} (id ${JSON.stringify(id)})` : `line ${line}`;
  const spoilt = (problem: string): TokenStoreError => recordCorrupt(isWhole ? id : null, problem);
  return {
    where,
    fields: () => {
      if (values.length !== columns) {
        throw spoilt(
          `it has ${values.length} fields and not ${columns}: there is a comma or a line break in a value`,
        );
      }
      if (!/^(\d{1,15}|NaN|null|undefined|)$/.test(expiry))
        throw spoilt('its expiry is not a time');
      if (/^\d{9,}$/.test(redirectUrl)) throw spoilt('its redirect address is a number');
      if (!/^(https?:\/\/|$)/.test(apiDomain)) throw spoilt('its API address is not an address');
      return {
        id,
        userSignature: { name: userName },
        clientId,
        clientSecret,
        refreshToken,
        accessToken,
        grantToken,
        expiresAt: expiryOf(expiry),
        redirectUrl,
        apiDomain,
      };
    },
  };
}
