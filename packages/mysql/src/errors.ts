import { TokenStoreError, type TokenStoreErrorCode } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';
import { networkFailure } from '@tokenkeep/core/adapter/server';

/** Whether another save was faster, so that nothing was written and it is to be read again. */
export function isLostRace(error: unknown): boolean {
  // A duplicate key, a lock that took too long, a deadlock, and how MariaDB tells one of an INSERT.
  return [1062, 1205, 1213, 1467].includes(errnoOf(error));
}

/** Whether an `ALTER TABLE` was refused as another process did the same. */
export function isDoneAlready(error: unknown): boolean {
  // A column that is not there, one that is, one that can't be dropped.
  return [1054, 1060, 1091].includes(errnoOf(error));
}

const UNKNOWN_OUTCOME = 'Try again; a save may or may not have happened.';
const GRANT = 'Grant SELECT, INSERT, UPDATE, DELETE, CREATE and, to migrate older tables, ALTER.';

/** The server's error numbers: the same on MySQL and MariaDB. */
const BY_NUMBER: Readonly<Record<number, readonly [code: TokenStoreErrorCode, advice: string]>> = {
  1021: ['STORAGE_FULL', 'The disk of the server is full. Make room and try again.'],
  1040: ['THROTTLED', 'Too many connections. Raise max_connections, or lower connectionLimit.'],
  1041: ['STORAGE_FULL', 'The server is out of memory. Try again later.'],
  1044: ['ACCESS_DENIED', `This user may not use this database. ${GRANT}`],
  1045: ['ACCESS_DENIED', 'The server refuses this user or password. Correct them.'],
  1049: ['DATABASE_MISSING', 'The database does not exist. Create it, or name another.'],
  1053: ['CONNECTION_FAILED', `The server is shutting down. ${UNKNOWN_OUTCOME}`],
  1114: ['STORAGE_FULL', 'The table is full. Make room on the server and try again.'],
  1130: ['ACCESS_DENIED', 'The server refuses this host. Let the user connect from here.'],
  1142: ['ACCESS_DENIED', `This user lacks a right on the table. ${GRANT}`],
  1203: ['THROTTLED', 'This user has too many connections. Lower connectionLimit.'],
  1226: ['THROTTLED', 'This user reached a limit of the account. Raise it, or try later.'],
  1251: ['ACCESS_DENIED', 'The driver lacks the authentication plugin of this user. Change it.'],
  1290: ['READ_ONLY', 'The server takes no writes. Connect to the primary, or turn read_only off.'],
  1317: ['CONNECTION_FAILED', `The statement was interrupted on the server. ${UNKNOWN_OUTCOME}`],
  1461: ['THROTTLED', 'Too many prepared statements. Raise max_prepared_stmt_count.'],
  1698: ['ACCESS_DENIED', 'Give a user that logs in with a password.'],
  1792: ['READ_ONLY', 'Transactions take no writes here. Turn transaction_read_only off.'],
  1836: ['READ_ONLY', 'The server takes no writes. Connect to the primary.'],
  1927: ['CONNECTION_FAILED', `The connection was killed. ${UNKNOWN_OUTCOME}`],
  1969: ['TIMEOUT', `The statement took too long. ${UNKNOWN_OUTCOME}`],
  3024: ['TIMEOUT', `The statement took too long. ${UNKNOWN_OUTCOME}`],
  3159: ['TLS_REQUIRED', 'The server wants an encrypted connection. Give ssl in the options.'],
};

/** The driver's own errors, by what begins their code or, as some have none, their text. */
const BY_TEXT: readonly (readonly [start: RegExp, code: TokenStoreErrorCode, advice: string])[] = [
  [/^Pool is closed/, 'HANDLE_CLOSED', 'The pool is closed. Give an open one, and close it last.'],
  [/^Queue limit/, 'THROTTLED', 'Too many calls wait. Raise queueLimit or connectionLimit.'],
  [/^No connections/, 'THROTTLED', 'No connection is free. Raise connectionLimit, or try again.'],
  [/^PROTOCOL_|^Can't/, 'CONNECTION_FAILED', `The connection broke. ${UNKNOWN_OUTCOME}`],
  [
    /^HANDSHAKE_(?:NO_)?SSL/,
    'TLS_REQUIRED',
    'The server offers no TLS. Set it up, or `tls: false`.',
  ],
];

/**
 * mysql2's errors in our terms. They carry the statement and its values: none of it is taken over.
 *
 * @param server where it is, for the message
 */
export function translateError(error: unknown, server = ''): TokenStoreError | undefined {
  if (error instanceof TokenStoreError) return error;
  const errno = errnoOf(error);
  const driverCode = driverCodeOf(error);
  const text = String(driverCode ?? (error instanceof Error ? error.message : ''));
  const [, ...known] = BY_TEXT.find(([start]) => start.test(text)) ?? [];
  const [code, advice] = BY_NUMBER[errno] ?? known;
  if (code === undefined) return networkFailure(error, server);
  const where = code === 'CONNECTION_FAILED' ? ` (${server})` : '';
  return new TokenStoreError(code, `${advice}${where}`, { driverCode: errno || driverCode });
}

/** Above 0 for an error of the server; those of the operating system have negative numbers. */
function errnoOf(error: unknown): number {
  return Math.max(0, Number(Object(error).errno) || 0);
}
