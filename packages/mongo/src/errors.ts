import type { TokenStoreError } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';
import { type Meanings, meaningOf, networkFailure } from '@tokenkeep/core/adapter/server';

/**
 * By the server's numbers (`src/mongo/base/error_codes.yml` there) and the names of the driver's
 * errors. An error shows the server's address: no user, no password, nothing else.
 */
const MEANINGS: Meanings = {
  '50|64|202|262|MongoNetworkTimeoutError|MongoOperationTimeoutError|(?:Mongo)?WaitQueueTimeoutError':
    ['TIMEOUT'],
  '6|7|89|91|189|9001|11600|11602|13436|Mongo(?:ServerSelection|Network|PoolCleared|ServerClosed)Error|PoolClearedOnNetworkError':
    ['CONNECTION_FAILED'],
  '13|18|31|334|8000': [
    'ACCESS_DENIED',
    'MongoDB refuses these credentials, or the user may not read and write the database. Correct the user name, the password or the roles (readWrite is needed).',
  ],
  '10058|10107|13435': [
    'READ_ONLY',
    'This MongoDB server takes no writes now: it is not the primary. Name the whole replica set in the URL, then try again.',
  ],
  '14031': ['STORAGE_FULL', 'MongoDB has no room left. Make room and try again.'],
  'Mongo(?:TopologyClosed|NotConnected|ClientClosed)Error': [
    'HANDLE_CLOSED',
    'The client of MongoDB is closed. Give the store an open one, and close the store before it.',
  ],
  '13388|Mongo(?:Parse|InvalidArgument|MissingCredentials|MissingDependency|Compatibility)Error': [
    'INVALID_OPTION',
    'MongoDB was named by a URL or options that the driver does not take. Correct them.',
  ],
};

/** The driver's errors in our terms. */
export function translateError(error: unknown, server: string): TokenStoreError | undefined {
  // What lies beneath says more than 'no server could be chosen'.
  const causes = [error, ...causesOf(error)].reverse();
  // A certificate that is not accepted is the cause of all that comes after.
  const failures = causes.map((cause) => networkFailure(cause, server));
  const insecure = failures.find((failure) => failure?.code === 'TLS_REQUIRED');
  if (insecure !== undefined) return insecure;
  for (const cause of causes) {
    // The number says more than the name.
    const meaning =
      meaningOf(MEANINGS, driverCodeOf(cause), server) ??
      meaningOf(MEANINGS, Object(cause).name, server);
    if (meaning !== undefined) return meaning;
  }
  return networkFailure(error, server);
}

/** The server's number for an error; 0 for one that has none. */
export function numberOf(error: unknown): number {
  return Number(driverCodeOf(error)) || 0;
}

/** Whether a document was refused because one of its claims, or its `_id`, is taken. */
export function isDuplicateKey(error: unknown): boolean {
  return numberOf(error) === 11_000;
}

/** Why no server could be chosen, and what was beneath. */
function causesOf(error: unknown): unknown[] {
  const { cause, reason } = Object(error);
  const servers: unknown = Object(reason).servers;
  const errors = servers instanceof Map ? [...servers.values()].map((each) => each.error) : [];
  return [cause, ...errors]
    .filter((each) => each != null)
    .flatMap((each) => [each, ...causesOf(each)]);
}
