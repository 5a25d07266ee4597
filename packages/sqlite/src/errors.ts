import { ERROR_CODES, TokenStoreError, type TokenStoreErrorCode } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';

const RIGHTS =
  'The database, or the -wal and -shm files beside it, can not be opened. Let this user read and write the file and its folder.';
const BUSY =
  'Another connection, or another statement of this process, held the database for too long. Try again; if it goes on, look for a transaction that is not ended, or raise timeout.';
const READ_ONLY =
  'The database takes no writes. Make the file and its folder writable, or open the handle for writing.';
const ITERATING =
  'The database handle is in the middle of an iteration over another statement. End that, or give the store a handle of its own.';
const DISK_FAULT =
  'The disk reported a fault. Look at the system log; what was stored before is still there.';

/**
 * SQLite's primary result codes (https://www.sqlite.org/rescode.html) in our terms: better-sqlite3
 * gives their names, `node:sqlite` their numbers.
 */
const MEANINGS: readonly (readonly [words: string, TokenStoreErrorCode, advice?: string])[] = [
  ['SQLITE_PERM 3 SQLITE_CANTOPEN 14', 'ACCESS_DENIED', RIGHTS],
  ['SQLITE_BUSY 5 SQLITE_LOCKED 6', 'STORE_BUSY', BUSY],
  ['SQLITE_READONLY 8', 'READ_ONLY', READ_ONLY],
  ['SQLITE_IOERR 10', 'STORAGE_FAILED', DISK_FAULT],
  ['SQLITE_CORRUPT 11', 'RECORD_CORRUPT'],
  ['SQLITE_FULL 13', 'STORAGE_FULL'],
  ['SQLITE_NOTADB 26', 'NOT_A_DATABASE'],
];

/** The primary result code: `SQLITE_BUSY` of better-sqlite3, `5` of `node:sqlite`. */
function resultCodeOf(error: unknown): string | undefined {
  const code = String(driverCodeOf(error));
  // ENOSPC on the -shm file, which is mapped and not written, has no code of SQLITE_FULL's kind.
  if (code === 'SQLITE_IOERR_SHMSIZE') return 'SQLITE_FULL';
  if (code !== 'ERR_SQLITE_ERROR') return /^SQLITE_[A-Z]+/.exec(code)?.[0];
  // The number is of the extended result code, the primary one its lowest byte.
  return String(Object(error).errcode & 0xff);
}

/** Whether waiting helps: somebody else has the database, or the handle, at the moment. */
export function isBusy(error: unknown): boolean {
  const failure = error instanceof TokenStoreError ? error : translateSqliteError(error);
  return failure?.code === 'STORE_BUSY';
}

/**
 * A driver's error in our terms; `undefined` for one that is unknown here.
 *
 * @param path the database file, for the message
 */
export function translateSqliteError(error: unknown, path?: string): TokenStoreError | undefined {
  const failure = (code: TokenStoreErrorCode, advice: string = ERROR_CODES[code]) =>
    new TokenStoreError(code, (path === undefined ? '' : `${JSON.stringify(path)}: `) + advice, {
      driverCode: driverCodeOf(error),
      retryable: code === 'STORAGE_FAILED' || undefined,
    });
  const result = resultCodeOf(error) ?? '';
  const [, code, advice] = MEANINGS.find(([words]) => words.split(' ').includes(result)) ?? [];
  if (code !== undefined) return failure(code, advice);
  // What the drivers say before SQLite is asked has no code of its own.
  const { message = '' } = Object(error) as { message?: string };
  if (/not open|has been finalized/.test(message)) return failure('HANDLE_CLOSED');
  if (/busy executing a query/.test(message)) return failure('STORE_BUSY', ITERATING);
  return undefined;
}
