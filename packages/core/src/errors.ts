import { brand } from './brand.ts';

/** The code of a {@link TokenStoreError}: what each means is in {@link ERROR_CODES}. */
export type TokenStoreErrorCode =
  | 'INVALID_TOKEN'
  | 'AMBIGUOUS_TOKEN'
  | 'TOKEN_CONFLICT'
  | 'VERSION_CONFLICT'
  | 'RECORD_CORRUPT'
  | 'SCHEMA_UNKNOWN'
  | 'INVALID_OPTION'
  | 'DRIVER_UNAVAILABLE'
  | 'STORE_CLOSED'
  | 'HANDLE_CLOSED'
  | 'STORE_BUSY'
  | 'CONTENTION'
  | 'THROTTLED'
  | 'ACCESS_DENIED'
  | 'READ_ONLY'
  | 'STORAGE_FULL'
  | 'PATH_UNUSABLE'
  | 'NOT_A_DATABASE'
  | 'DATABASE_MISSING'
  | 'CONNECTION_FAILED'
  | 'TLS_REQUIRED'
  | 'TIMEOUT'
  | 'STORAGE_FAILED';

/**
 * Every code that a tokenkeep error can carry, with what it means and what to do about it.
 *
 * Codes are stable: one is never renamed and never given another meaning.
 */
export const ERROR_CODES: Readonly<Record<TokenStoreErrorCode, string>> = {
  INVALID_TOKEN:
    'The token or another argument is not what the method takes. Correct the named field; nothing was stored.',
  AMBIGUOUS_TOKEN:
    'Several records match. Name the user, the client or the id too; nothing was changed.',
  TOKEN_CONFLICT:
    'Another record already has this user name of this client. Save without the id, or delete the other record first.',
  VERSION_CONFLICT:
    'The record has another version than `ifVersion` says, or is gone. Read it again, apply the change to that, and save again.',
  RECORD_CORRUPT:
    'What is stored is damaged. Restore it from a backup, or delete it and log in again; it was left as it is.',
  SCHEMA_UNKNOWN:
    'The table, collection or file exists and is not a token store of this version. Name another, or upgrade the store if a newer version of it made that; it was left as it is.',
  DRIVER_UNAVAILABLE:
    'The database driver could not be loaded. Install it for this platform and version of Node, and leave it out of a bundle (`external`, `serverExternalPackages`).',
  INVALID_OPTION: 'An option of the store is wrong. Correct it where the store is constructed.',
  STORE_CLOSED: 'The store was closed. Open a new one, and close a store only when you are done.',
  HANDLE_CLOSED:
    'The connection that the store was given was closed by its owner. Give the store an open one, and close the store before its connection.',
  STORE_BUSY:
    'Another process held the storage for too long. Try again; if it goes on, look for a process that is stuck.',
  CONTENTION: 'Too many saves of one token at once. Try again later.',
  THROTTLED: 'The service takes no more requests for now. Try again later, or raise its limit.',
  ACCESS_DENIED:
    'The storage refuses these credentials or this user. Correct the rights, the user name or the password.',
  READ_ONLY:
    'The storage takes no writes. Make it writable, or connect to the primary; during a failover, try again.',
  STORAGE_FULL: 'There is no room left. Make room and try again; what was stored is still there.',
  PATH_UNUSABLE: 'The path does not lead to a file that can be used. Give the path of a file.',
  NOT_A_DATABASE: 'The file is something else. Give another path; it was left as it is.',
  DATABASE_MISSING: 'The database does not exist. Create it, or name one that does.',
  CONNECTION_FAILED:
    'The server can not be reached, or the connection broke. See that it runs and is reachable, then try again; a save may or may not have happened.',
  TLS_REQUIRED:
    'The connection would be, or was found, insecure. Set up TLS on the server, or say `tls: false` if the network is trusted.',
  TIMEOUT: 'The server did not answer in time. Try again; a save may or may not have happened.',
  STORAGE_FAILED:
    'The storage reported a fault that has no code of its own here. See `driverCode`.',
};

/** The codes with which the same call may succeed later, unchanged. */
const RETRYABLE: ReadonlySet<TokenStoreErrorCode> = new Set([
  'STORE_BUSY',
  'CONTENTION',
  'THROTTLED',
  'READ_ONLY',
  'STORAGE_FULL',
  'CONNECTION_FAILED',
  'TIMEOUT',
]);

/** What a {@link TokenStoreError} tells besides its message. */
export interface TokenStoreErrorDetails {
  /** The method that failed, such as `saveToken`. The store fills it in where it is left out. */
  operation?: string | undefined;
  /** Whether the same call may succeed later, unchanged. The default goes by the code. */
  retryable?: boolean | undefined;
  /** The driver's own code, such as `SQLITE_FULL` or `1062`. Never its text (contract C14). */
  driverCode?: string | number | undefined;
}

/**
 * The one kind of error that a store rejects with (contract C14).
 *
 * It carries no `cause`: errors of drivers hold the values that were being stored.
 */
export class TokenStoreError extends Error {
  override readonly name: string = 'TokenStoreError';
  /** What went wrong; stable. See {@link ERROR_CODES}. */
  readonly code: TokenStoreErrorCode;
  /** The method that failed, such as `saveToken`. */
  operation: string | undefined;
  /** Whether the same call may succeed later, unchanged. */
  readonly retryable: boolean;
  /** The driver's own code, where there is one. */
  readonly driverCode: string | number | undefined;

  constructor(code: TokenStoreErrorCode, message: string, details: TokenStoreErrorDetails = {}) {
    super(message);
    this.code = code;
    this.operation = details.operation;
    this.retryable = details.retryable ?? RETRYABLE.has(code);
    this.driverCode = details.driverCode;
  }

  static {
    brand(TokenStoreError, 'TokenStoreError');
  }
}

/** A token or an argument was refused before anything was stored. Code `INVALID_TOKEN`. */
export class InvalidTokenError extends TokenStoreError {
  override readonly name: string = 'InvalidTokenError';
  /** The field or argument that was refused. Its value is never told. */
  readonly field: string;

  /** @param problem what is wrong with it and what to give instead, without the value */
  constructor(field: string, problem: string, details?: TokenStoreErrorDetails) {
    super('INVALID_TOKEN', `${field} ${problem}`, details);
    this.field = field;
  }

  static {
    brand(InvalidTokenError, 'InvalidTokenError');
  }
}

/** Several records match on the same key and nothing is guessed (contract M4). Code `AMBIGUOUS_TOKEN`. */
export class AmbiguousTokenError extends TokenStoreError {
  override readonly name: string = 'AmbiguousTokenError';

  constructor(message: string, details?: TokenStoreErrorDetails) {
    super('AMBIGUOUS_TOKEN', message, details);
  }

  static {
    brand(AmbiguousTokenError, 'AmbiguousTokenError');
  }
}

/** A save or delete was refused because of what is stored (contract C7, V2, V4, V5). */
export class TokenConflictError extends TokenStoreError {
  override readonly name: string = 'TokenConflictError';
  /** With `VERSION_CONFLICT`: the version that the record has; 0 where there is no record. */
  readonly currentVersion: number | undefined;

  constructor(
    code: 'TOKEN_CONFLICT' | 'VERSION_CONFLICT',
    message: string,
    details: TokenStoreErrorDetails & { currentVersion?: number } = {},
  ) {
    super(code, message, details);
    this.currentVersion = details.currentVersion;
  }

  static {
    brand(TokenConflictError, 'TokenConflictError');
  }
}

/** The error for a stored record that can not be read. It names the record, not its content. */
export function recordCorrupt(
  id: unknown,
  problem: string,
  advice = 'Restore it from a backup, or delete it and log in again',
): TokenStoreError {
  const which =
    typeof id === 'string' && id !== '' ? `The record ${quoted(id)}` : 'A record without an id';
  return new TokenStoreError(
    'RECORD_CORRUPT',
    `${which} is damaged: ${problem}. ${advice}; it was left as it is.`,
  );
}

/** A name for a message: on one line, and not longer than 80 characters. */
export function quoted(name: string): string {
  return JSON.stringify(name.length <= 80 ? name : `${name.slice(0, 80)}...`);
}

/**
 * The code of a driver's error, if it has one that is a code and not a text.
 *
 * @returns a number, or at most 64 letters, digits, `_` and `-`
 */
export function driverCodeOf(error: unknown): string | number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  const { code } = error;
  if (typeof code === 'number') return code;
  return typeof code === 'string' && /^[\w-]{1,64}$/.test(code) ? code : undefined;
}

/** The error for a wrong option of a constructor. `problem` does not repeat the value. */
export function invalidOption(option: string, problem: string): TokenStoreError {
  return new TokenStoreError('INVALID_OPTION', `The option ${option} ${problem}.`, {
    operation: 'constructor',
  });
}
