import { TokenStoreError, type TokenStoreErrorCode } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';
import { networkFailure } from '@tokenkeep/core/adapter/server';

/** The server's error numbers (the same on MySQL and MariaDB) that mean that another was faster. */
const LOST_RACES: ReadonlySet<unknown> = new Set([
  1062, // ER_DUP_ENTRY
  1205, // ER_LOCK_WAIT_TIMEOUT
  1213, // ER_LOCK_DEADLOCK
  1467, // ER_AUTOINC_READ_FAILED: how MariaDB tells that an INSERT ... SELECT was in a deadlock
]);

/** Whether another save was faster, so that nothing was written and it is to be read again. */
export function isLostRace(error: unknown): boolean {
  return LOST_RACES.has(errnoOf(error));
}

/** Whether the connection is gone, and nobody knows whether what was sent was done. */
export function isLostConnection(error: unknown): boolean {
  return translateError(error)?.code === 'CONNECTION_FAILED';
}

/**
 * Whether a connection is of no use any more: what it does after a time-out, or after it broke, is
 * nobody's, and where it leads to a server that takes no writes, a new one may lead to another.
 */
export function isGivenUp(error: unknown): boolean {
  const code = translateError(error)?.code;
  return code === 'TIMEOUT' || code === 'CONNECTION_FAILED' || code === 'READ_ONLY';
}

/** The error for an answer that is late. */
export function lateness(timeout: number): TokenStoreError {
  return new TokenStoreError(
    'TIMEOUT',
    `The server did not answer, or no connection was free, within ${timeout} ms. Try again; a save may or may not have happened.`,
    { retryable: true },
  );
}

const MEANINGS: Readonly<Record<number, readonly [code: TokenStoreErrorCode, advice: string]>> = {
  1021: ['STORAGE_FULL', 'The disk of the server is full. Make room and try again.'],
  1114: ['STORAGE_FULL', 'The table is full. Make room on the server and try again.'],
  1041: ['STORAGE_FULL', 'The server is out of memory. Try again later.'],
  1040: [
    'CONNECTION_FAILED',
    'The server has too many connections. Raise max_connections, or lower connectionLimit.',
  ],
  1203: ['CONNECTION_FAILED', 'This user has too many connections. Lower connectionLimit.'],
  1053: ['CONNECTION_FAILED', 'The server is shutting down. Try again when it is back.'],
  1927: ['CONNECTION_FAILED', 'The connection was killed. Try again.'],
  1317: ['CONNECTION_FAILED', 'The statement was interrupted on the server. Try again.'],
  1044: [
    'ACCESS_DENIED',
    'This user may not use this database. Grant SELECT, INSERT, UPDATE, DELETE and CREATE on it.',
  ],
  1045: ['ACCESS_DENIED', 'The server refuses this user or password. Correct them.'],
  1142: [
    'ACCESS_DENIED',
    'This user lacks a right on the table. Grant SELECT, INSERT, UPDATE, DELETE and CREATE on it.',
  ],
  1130: [
    'ACCESS_DENIED',
    'The server takes no connections from this host. Let the user connect from here.',
  ],
  1251: [
    'ACCESS_DENIED',
    'The server wants a way to log in that the driver lacks. Give the user another authentication plugin.',
  ],
  1698: [
    'ACCESS_DENIED',
    'The server refuses this user. Give a user that logs in with a password.',
  ],
  1049: ['DATABASE_MISSING', 'The database does not exist. Create it, or name another.'],
  1290: ['READ_ONLY', 'The server takes no writes. Connect to the primary, or turn read_only off.'],
  1792: [
    'READ_ONLY',
    'The transaction takes no writes. Connect to the primary, or turn transaction_read_only off.',
  ],
  1836: ['READ_ONLY', 'The server takes no writes. Connect to the primary.'],
  3159: [
    'TLS_REQUIRED',
    'The server wants an encrypted connection. Give ssl in the option connection.',
  ],
  3024: ['TIMEOUT', 'The statement took too long. Try again; a save may or may not have happened.'],
  1969: ['TIMEOUT', 'The statement took too long. Try again; a save may or may not have happened.'],
};

const RETRYABLE: ReadonlySet<TokenStoreErrorCode> = new Set([
  'CONNECTION_FAILED',
  'TIMEOUT',
  'STORAGE_FULL',
]);

/** mysql2's errors in our terms. They carry the statement and its values: none of it is taken over. */
export function translateError(error: unknown): TokenStoreError | undefined {
  if (error instanceof TokenStoreError) return error;
  const errno = errnoOf(error);
  const meaning = errno === undefined ? undefined : MEANINGS[errno];
  if (meaning !== undefined) {
    const [code, advice] = meaning;
    return new TokenStoreError(code, advice, { driverCode: errno, retryable: RETRYABLE.has(code) });
  }
  const driverCode = driverCodeOf(error);
  if (error instanceof Error && error.message.includes('Pool is closed')) {
    return new TokenStoreError(
      'HANDLE_CLOSED',
      'The pool that the store was given is closed. Give the store an open one, and close the store before its pool.',
    );
  }
  if (driverCode === 'HANDSHAKE_NO_SSL_SUPPORT' || driverCode === 'HANDSHAKE_SSL_ERROR') {
    return new TokenStoreError(
      'TLS_REQUIRED',
      'The server offers no encryption that can be accepted. Set up TLS there, or say `tls: false` if you trust every network in between.',
      { driverCode },
    );
  }
  if ((typeof driverCode === 'string' && driverCode.startsWith('PROTOCOL_')) || isClosed(error)) {
    return new TokenStoreError(
      'CONNECTION_FAILED',
      'The connection to the server broke. Try again; a save may or may not have happened.',
      { driverCode, retryable: true },
    );
  }
  return networkFailure(error);
}

function isClosed(error: unknown): boolean {
  return error instanceof Error && /closed state|connection is closed/i.test(error.message);
}

function errnoOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errno' in error)) return undefined;
  // Errors of the operating system have negative numbers.
  return typeof error.errno === 'number' && error.errno > 0 ? error.errno : undefined;
}
