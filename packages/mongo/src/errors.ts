import { TokenStoreError, type TokenStoreErrorCode } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';
import { networkFailure } from '@tokenkeep/core/adapter/server';

/** What codes of the server mean: `src/mongo/base/error_codes.yml` there. */
const BY_NUMBER: ReadonlyMap<number, TokenStoreErrorCode> = new Map([
  [13, 'ACCESS_DENIED'],
  [18, 'ACCESS_DENIED'],
  [31, 'ACCESS_DENIED'],
  [334, 'ACCESS_DENIED'],
  [8000, 'ACCESS_DENIED'],
  [10_058, 'READ_ONLY'],
  [10_107, 'READ_ONLY'],
  [13_435, 'READ_ONLY'],
  [13_388, 'INVALID_OPTION'],
  [6, 'CONNECTION_FAILED'],
  [7, 'CONNECTION_FAILED'],
  [89, 'CONNECTION_FAILED'],
  [91, 'CONNECTION_FAILED'],
  [189, 'CONNECTION_FAILED'],
  [9001, 'CONNECTION_FAILED'],
  [11_600, 'CONNECTION_FAILED'],
  [11_602, 'CONNECTION_FAILED'],
  [13_436, 'CONNECTION_FAILED'],
  [50, 'TIMEOUT'],
  [64, 'TIMEOUT'],
  [202, 'TIMEOUT'],
  [262, 'TIMEOUT'],
  [14_031, 'STORAGE_FULL'],
]);

/** What errors of the driver itself mean, by their names. */
const BY_NAME: ReadonlyMap<string, TokenStoreErrorCode> = new Map([
  ['MongoServerSelectionError', 'CONNECTION_FAILED'],
  ['MongoNetworkError', 'CONNECTION_FAILED'],
  ['MongoPoolClearedError', 'CONNECTION_FAILED'],
  ['PoolClearedOnNetworkError', 'CONNECTION_FAILED'],
  ['MongoServerClosedError', 'CONNECTION_FAILED'],
  ['MongoTopologyClosedError', 'HANDLE_CLOSED'],
  ['MongoNotConnectedError', 'HANDLE_CLOSED'],
  ['MongoClientClosedError', 'HANDLE_CLOSED'],
  ['MongoNetworkTimeoutError', 'TIMEOUT'],
  ['MongoOperationTimeoutError', 'TIMEOUT'],
  ['WaitQueueTimeoutError', 'TIMEOUT'],
  ['MongoWaitQueueTimeoutError', 'TIMEOUT'],
  ['MongoParseError', 'INVALID_OPTION'],
  ['MongoInvalidArgumentError', 'INVALID_OPTION'],
  ['MongoMissingCredentialsError', 'INVALID_OPTION'],
  ['MongoMissingDependencyError', 'INVALID_OPTION'],
  ['MongoCompatibilityError', 'INVALID_OPTION'],
]);

/** @param server where it is, without a user, a password or anything else */
function messageFor(code: TokenStoreErrorCode, server: string): string {
  switch (code) {
    case 'ACCESS_DENIED':
      return 'MongoDB refuses these credentials, or the user may not read and write the database. Correct the user name, the password or the roles (readWrite is needed).';
    case 'READ_ONLY':
      return 'This MongoDB server takes no writes now: it is not the primary. Name the whole replica set in the URL, then try again.';
    case 'CONNECTION_FAILED':
      return `MongoDB (${server}) can not be reached, or the connection broke. See that it runs and that host and port are right, then try again; a save may or may not have happened.`;
    case 'TIMEOUT':
      return `MongoDB (${server}) did not answer in time, or not enough members of the replica set did. Try again; a save may or may not have happened.`;
    case 'HANDLE_CLOSED':
      return 'The MongoDB client that the store was given is closed. Give the store an open one, and close the store before its client.';
    case 'STORAGE_FULL':
      return 'There is no room left on the MongoDB server. Make room and try again.';
    default:
      return 'The MongoDB driver does not take the URL or the options. Correct them.';
  }
}

/** The error for an answer that took too long. */
export function timeoutError(server: string): TokenStoreError {
  return new TokenStoreError('TIMEOUT', messageFor('TIMEOUT', server));
}

/** The driver's errors in our terms. */
export function translateError(error: unknown, server: string): TokenStoreError | undefined {
  const causes = [error, ...causesOf(error)];
  for (const cause of causes) {
    // A certificate that is not accepted is the cause of all that comes after.
    const failure = networkFailure(cause);
    if (failure?.code === 'TLS_REQUIRED') return failure;
  }
  // What lies beneath says more than 'no server could be chosen'.
  for (const cause of causes.reverse()) {
    const code =
      BY_NUMBER.get(numberOf(cause) ?? 0) ?? BY_NAME.get(cause instanceof Error ? cause.name : '');
    if (code === undefined) continue;
    return new TokenStoreError(code, messageFor(code, server), { driverCode: driverCodeOf(cause) });
  }
  return networkFailure(error, server);
}

/** Whether a document was refused because one of its claims, or its `_id`, is taken. */
export function isDuplicateKey(error: unknown): boolean {
  return numberOf(error) === 11_000;
}

/** The server's number for an error. */
export function numberOf(error: unknown): number | undefined {
  const code = driverCodeOf(error);
  return typeof code === 'number' ? code : undefined;
}

/** Why no server could be chosen, and what was beneath. */
function causesOf(error: unknown): unknown[] {
  if (typeof error !== 'object' || error === null) return [];
  const causes: unknown[] = 'cause' in error && error.cause !== undefined ? [error.cause] : [];
  if ('reason' in error && typeof error.reason === 'object' && error.reason !== null) {
    const servers: unknown = Reflect.get(error.reason, 'servers');
    if (servers instanceof Map) {
      for (const server of servers.values()) causes.push(Reflect.get(Object(server), 'error'));
    }
  }
  return causes.flatMap((cause) => [cause, ...causesOf(cause)]);
}
