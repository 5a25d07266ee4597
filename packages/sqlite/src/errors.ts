import { TokenStoreError, type TokenStoreErrorCode } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';

interface Meaning {
  readonly number: number;
  readonly code: TokenStoreErrorCode;
  readonly advice: string;
  readonly retryable?: boolean;
}

/** SQLite's primary result codes (https://www.sqlite.org/rescode.html) in our terms. */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  SQLITE_PERM: {
    number: 3,
    code: 'ACCESS_DENIED',
    advice:
      'The database may not be read or written by this user. Correct the rights of the file and its folder.',
  },
  SQLITE_BUSY: {
    number: 5,
    code: 'STORE_BUSY',
    advice:
      'Another connection held the database for too long. Try again; if it goes on, look for a transaction that is not ended, or raise timeout.',
    retryable: true,
  },
  SQLITE_LOCKED: {
    number: 6,
    code: 'STORE_BUSY',
    advice: 'Another statement of this process holds the table. Try again when it has ended.',
    retryable: true,
  },
  SQLITE_READONLY: {
    number: 8,
    code: 'READ_ONLY',
    advice:
      'The database takes no writes. Make the file and its folder writable, or open the handle for writing.',
  },
  SQLITE_IOERR: {
    number: 10,
    code: 'STORAGE_FAILED',
    advice:
      'The disk reported a fault. Look at the system log; what was stored before is still there.',
    retryable: true,
  },
  SQLITE_CORRUPT: {
    number: 11,
    code: 'RECORD_CORRUPT',
    advice: 'The database file is damaged. Restore it from a backup; it was left as it is.',
  },
  SQLITE_FULL: {
    number: 13,
    code: 'STORAGE_FULL',
    advice:
      'The disk, or the size that the database may have, is full. Make room and try again; nothing was changed.',
    retryable: true,
  },
  SQLITE_CANTOPEN: {
    number: 14,
    code: 'ACCESS_DENIED',
    advice:
      'The database, or the -wal and -shm files beside it, can not be opened. Let this user write to the file and to its folder.',
  },
  SQLITE_NOTADB: {
    number: 26,
    code: 'NOT_A_DATABASE',
    advice:
      'The file is not an SQLite database, or it is encrypted. Give another path; it was left as it is.',
  },
};

/** The primary result code of an error of better-sqlite3 or `node:sqlite`, such as `SQLITE_BUSY`. */
function resultCodeOf(error: unknown): string | undefined {
  const code = driverCodeOf(error);
  if (typeof code !== 'string') return undefined;
  if (code !== 'ERR_SQLITE_ERROR') return /^SQLITE_[A-Z]+/.exec(code)?.[0];
  // node:sqlite: the extended result code is a number, the primary one its lowest byte.
  const { errcode } = error as { errcode?: unknown };
  if (typeof errcode !== 'number') return undefined;
  return Object.entries(MEANINGS).find(([, { number }]) => number === (errcode & 0xff))?.[0];
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
  const driverCode = driverCodeOf(error);
  const resultCode = resultCodeOf(error);
  const meaning = resultCode === undefined ? undefined : MEANINGS[resultCode];
  if (meaning !== undefined) {
    const { code, advice, retryable } = meaning;
    // ENOSPC on the -shm file, which is mapped and not written, has no code of SQLITE_FULL's kind.
    if (driverCode === 'SQLITE_IOERR_SHMSIZE')
      return translateSqliteError({ code: 'SQLITE_FULL' }, path);
    const where = path === undefined ? '' : `${JSON.stringify(path)}: `;
    return new TokenStoreError(code, where + advice, { driverCode, retryable });
  }
  if (!(error instanceof Error)) return undefined;
  // What the drivers say before SQLite is asked has no code of its own.
  if (/not open|has been finalized/.test(error.message)) {
    return new TokenStoreError(
      'HANDLE_CLOSED',
      'The database handle that the store was given is closed. Give the store an open one, and close the store before its handle.',
      { driverCode },
    );
  }
  if (/busy executing a query/.test(error.message)) {
    return new TokenStoreError(
      'STORE_BUSY',
      'The database handle is in the middle of an iteration over another statement. End that, or give the store a handle of its own.',
      { driverCode, retryable: true },
    );
  }
  return undefined;
}
