import { TokenStoreError } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';
import { type Meanings, meaningOf, networkFailure } from '@tokenkeep/core/adapter/server';

/** Whether another transaction was in the way, so that nothing was written and it is to be read again. */
export function isLostRace(error: unknown): boolean {
  const code = driverCodeOf(error);
  return code === '40001' || code === '40P01'; // serialization_failure, deadlock_detected
}

/** Whether a key is taken: unique_violation. */
export function isTaken(error: unknown): boolean {
  return driverCodeOf(error) === '23505';
}

/** Whether something was not made because another process made it: IF NOT EXISTS is no lock. */
export function isMadeAlready(error: unknown): boolean {
  const code = driverCodeOf(error);
  // duplicate_schema, duplicate_table, duplicate_object
  return isTaken(error) || code === '42P06' || code === '42P07' || code === '42710';
}

/** The error for a key that is taken by a record that can't be seen. */
export function hiddenRecord(): TokenStoreError {
  return new TokenStoreError(
    'ACCESS_DENIED',
    'A record that this user is not shown has one of the keys. Let the user of the store see the whole table: ALTER TABLE ... DISABLE ROW LEVEL SECURITY, a policy USING (true), or BYPASSRLS. Nothing was changed.',
    { driverCode: '23505' },
  );
}

/** By SQLSTATE, then by its class: the first two letters. */
const MEANINGS: Meanings = {
  '25006': [
    'READ_ONLY',
    'The server takes no writes. Connect to the primary, or turn default_transaction_read_only off.',
  ],
  '25P03': ['CONNECTION_FAILED'],
  '3D000|57P04': [
    'DATABASE_MISSING',
    'The database does not exist, or was dropped. Create it, or name another.',
  ],
  '42501': [
    'ACCESS_DENIED',
    'This user lacks a right. Grant USAGE on the schema and SELECT, INSERT, UPDATE, DELETE on its tables; to make them, CREATE on the database.',
  ],
  '42P01': [
    'SCHEMA_UNKNOWN',
    'The tables are gone since the store was opened. Open a new store, which makes them.',
  ],
  '53100': ['STORAGE_FULL', 'The disk of the server is full. Make room and try again.'],
  '55P03': ['STORE_BUSY', 'A lock was not to be had in time. Try again.'],
  '57014': ['TIMEOUT'],
  // PgBouncer has this class for all that it refuses.
  '08...': [
    'CONNECTION_FAILED',
    'The connection broke or was refused. See that the server runs, and the log of a pooler in between. A save may or may not have happened.',
  ],
  '28...': [
    'ACCESS_DENIED',
    'The server refuses this user, this password, or a connection from here (pg_hba.conf; it may demand TLS). Correct them.',
  ],
  '53...': ['THROTTLED', 'The server is short of memory or connections. Try again, or lower max.'],
  '57...': ['CONNECTION_FAILED'],
};

/** Errors of the driver itself, which have no code: by their texts. */
const MEANINGS_OF_TEXTS: Meanings = {
  '.*pool after calling end.*': [
    'HANDLE_CLOSED',
    'The pool that the store was given is closed. Give the store an open one, and close the store before its pool.',
  ],
  '.* SSL connection.*': [
    'TLS_REQUIRED',
    'The server offers no encryption. Set up TLS there, or say `tls: false` if you trust every network in between.',
  ],
  'SASL:.*|.*[Pp]assword.*': [
    'ACCESS_DENIED',
    'The user could not log in. Correct user and password.',
  ],
  '.*[Tt]imeout.*': ['TIMEOUT'],
  'Connection (?:terminated|ended).*|.*not queryable.*': ['CONNECTION_FAILED'],
};

/**
 * The driver's errors in our terms. Their `detail` holds the values of a key, and their text may:
 * none of it is taken over.
 *
 * @param server where it is, for the message
 */
export function translateError(error: unknown, server = ''): TokenStoreError | undefined {
  if (error instanceof TokenStoreError) return error;
  const driverCode = driverCodeOf(error);
  if (driverCode !== undefined) {
    return meaningOf(MEANINGS, driverCode, server) ?? networkFailure(error, server);
  }
  return meaningOf(MEANINGS_OF_TEXTS, undefined, server, Object(error).message);
}
