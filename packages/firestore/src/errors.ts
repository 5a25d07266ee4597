import { TokenStoreError, type TokenStoreErrorCode } from '@tokenkeep/core';
import { networkFailure } from '@tokenkeep/core/adapter/server';

/** The codes of gRPC that are used here: https://grpc.io/docs/guides/status-codes/ */
const Status = {
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

/** Whether a commit failed because something is not as it was read, so that nothing was written. */
export function isLostRace(error: unknown): boolean {
  switch (statusOf(error)) {
    case Status.ABORTED:
    case Status.ALREADY_EXISTS:
    case Status.FAILED_PRECONDITION:
    case Status.NOT_FOUND:
      return true;
    default:
      return false;
  }
}

/** The client's errors in our terms. */
export function translateError(error: unknown): TokenStoreError | undefined {
  const driverCode = statusOf(error);
  const failure = (
    code: TokenStoreErrorCode,
    message: string,
    retryable = false,
  ): TokenStoreError => new TokenStoreError(code, message, { retryable, driverCode });
  switch (driverCode) {
    case Status.PERMISSION_DENIED:
    case Status.UNAUTHENTICATED:
      return failure(
        'ACCESS_DENIED',
        'Firestore refuses these credentials. Give the service account the role Cloud Datastore User, or other credentials in settings.',
      );
    case Status.NOT_FOUND:
      return failure(
        'DATABASE_MISSING',
        'There is no such Firestore database. Create it, or correct projectId and databaseId in settings.',
      );
    case Status.UNAVAILABLE:
      return failure(
        'CONNECTION_FAILED',
        'Firestore can not be reached, or the connection broke. See that the host is right and reachable, then try again.',
        true,
      );
    case Status.DEADLINE_EXCEEDED:
      return failure(
        'TIMEOUT',
        'Firestore did not answer in time. Try again; a save may or may not have happened.',
        true,
      );
    case Status.RESOURCE_EXHAUSTED:
      return failure(
        'STORAGE_FULL',
        'A quota of the Firestore project is used up. Raise it, or try again later.',
        true,
      );
    case Status.FAILED_PRECONDITION:
      return failure(
        'SCHEMA_UNKNOWN',
        'The Firestore database can not be used like this: it must be in Native mode, with the indexes of single fields that it has by default.',
      );
    default:
      return networkFailure(error) ?? projectMissing(error);
  }
}

/** The error for an answer that is late: the client tries again for ten minutes where a server is gone. */
export function lateness(timeout: number): TokenStoreError {
  return new TokenStoreError(
    'TIMEOUT',
    `Firestore did not answer within ${timeout} ms. See that it is reachable and try again; a save may or may not have happened.`,
    { retryable: true },
  );
}

function projectMissing(error: unknown): TokenStoreError | undefined {
  if (
    !(error instanceof Error) ||
    !/Unable to detect a Project Id|Could not load the default credentials/.test(error.message)
  ) {
    return undefined;
  }
  return new TokenStoreError(
    'ACCESS_DENIED',
    'There are no credentials or no project for Firestore. Give projectId and keyFilename in settings, or set GOOGLE_APPLICATION_CREDENTIALS.',
  );
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'number' ? error.code : undefined;
}
