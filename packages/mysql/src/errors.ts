import { TokenStoreError } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';
import { type Meanings, meaningOf, networkFailure } from '@tokenkeep/core/adapter/server';

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

const GRANT = 'Grant SELECT, INSERT, UPDATE, DELETE, CREATE and, to migrate older tables, ALTER.';

/** By the server's error numbers, the same on MySQL and MariaDB; then by the driver's own codes. */
const MEANINGS: Meanings = {
  // A shutdown, an interrupted statement, a killed connection.
  '1053|1317|1927': ['CONNECTION_FAILED'],
  '1969|3024': ['TIMEOUT'],
  1021: ['STORAGE_FULL', 'The disk of the server is full. Make room and try again.'],
  1040: ['THROTTLED', 'Too many connections. Raise max_connections, or lower connectionLimit.'],
  1041: ['STORAGE_FULL', 'The server is out of memory. Try again later.'],
  1044: ['ACCESS_DENIED', `This user may not use this database. ${GRANT}`],
  1045: ['ACCESS_DENIED', 'The server refuses this user or password. Correct them.'],
  1049: ['DATABASE_MISSING', 'The database does not exist. Create it, or name another.'],
  1114: ['STORAGE_FULL', 'The table is full. Make room on the server and try again.'],
  1130: ['ACCESS_DENIED', 'The server refuses this host. Let the user connect from here.'],
  1142: ['ACCESS_DENIED', `This user lacks a right on the table. ${GRANT}`],
  1203: ['THROTTLED', 'This user has too many connections. Lower connectionLimit.'],
  1226: ['THROTTLED', 'This user reached a limit of the account. Raise it, or try later.'],
  1251: ['ACCESS_DENIED', 'The driver lacks the authentication plugin of this user. Change it.'],
  1290: ['READ_ONLY', 'The server takes no writes. Connect to the primary, or turn read_only off.'],
  1461: ['THROTTLED', 'Too many prepared statements. Raise max_prepared_stmt_count.'],
  1698: ['ACCESS_DENIED', 'Give a user that logs in with a password.'],
  1792: ['READ_ONLY', 'Transactions take no writes here. Turn transaction_read_only off.'],
  1836: ['READ_ONLY', 'The server takes no writes. Connect to the primary.'],
  3159: ['TLS_REQUIRED', 'The server wants an encrypted connection. Give ssl in the options.'],
  'HANDSHAKE_(?:NO_)?SSL.*': [
    'TLS_REQUIRED',
    'The server offers no TLS. Set it up, or `tls: false`.',
  ],
  'PROTOCOL_.*': ['CONNECTION_FAILED'],
};

/** Errors of the driver that have no code: by their texts. */
const MEANINGS_OF_TEXTS: Meanings = {
  'Pool is closed.*': ['HANDLE_CLOSED', 'The pool is closed. Give an open one, and close it last.'],
  'Queue limit.*': ['THROTTLED', 'Too many calls wait. Raise queueLimit or connectionLimit.'],
  'No connections.*': ['THROTTLED', 'No connection is free. Raise connectionLimit, or try again.'],
  "Can't.*": ['CONNECTION_FAILED'],
};

/**
 * mysql2's errors in our terms. They carry the statement and its values: none of it is taken over.
 *
 * @param server where it is, for the message
 */
export function translateError(error: unknown, server = ''): TokenStoreError | undefined {
  if (error instanceof TokenStoreError) return error;
  const driverCode = errnoOf(error) || driverCodeOf(error);
  if (driverCode !== undefined) {
    return meaningOf(MEANINGS, driverCode, server) ?? networkFailure(error, server);
  }
  return meaningOf(MEANINGS_OF_TEXTS, undefined, server, Object(error).message);
}

/** Above 0 for an error of the server; those of the operating system have negative numbers. */
function errnoOf(error: unknown): number {
  return Math.max(0, Number(Object(error).errno) || 0);
}
