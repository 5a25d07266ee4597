import { TokenStoreError } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';
import { networkFailure } from '@tokenkeep/core/adapter/server';

/** The names of gRPC's codes, by number: https://grpc.io/docs/guides/status-codes/ */
const STATUS_NAMES =
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'.split(
    ' ',
  );

/** The name of the code of an error; of one that is not gRPC's, its own code. */
export function statusName(error: unknown): string | undefined {
  const code = driverCodeOf(error);
  return typeof code === 'number' ? STATUS_NAMES[code] : code;
}

/** Whether a commit failed because something is not as it was read, so that nothing was written. */
export function isLostRace(error: unknown): boolean {
  return ['ABORTED', 'ALREADY_EXISTS', 'FAILED_PRECONDITION', 'NOT_FOUND'].includes(
    statusName(error) ?? '',
  );
}

/**
 * The client's errors in our terms.
 *
 * @param server what to call it: with host and port, where they are known
 */
export function translateError(error: unknown, server: string): TokenStoreError | undefined {
  const driverCode = statusName(error);
  switch (driverCode) {
    case 'PERMISSION_DENIED':
    case 'UNAUTHENTICATED':
      return new TokenStoreError(
        'ACCESS_DENIED',
        `${server} refuses these credentials. Give the service account the role Cloud Datastore User, or other credentials in options.`,
        { driverCode },
      );
    case 'NOT_FOUND':
      return new TokenStoreError(
        'DATABASE_MISSING',
        `There is no such database: ${server}. Create it, or correct projectId and databaseId in options.`,
        { driverCode },
      );
    case 'UNAVAILABLE':
    // What a commit that ended like this has done can not be told either.
    case 'CANCELLED':
    case 'INTERNAL':
    case 'UNKNOWN':
      return new TokenStoreError(
        'CONNECTION_FAILED',
        `${server} can not be reached, or the connection broke (${driverCode}). See that the host is right and reachable, then try again; a save may or may not have happened.`,
        { driverCode },
      );
    case 'DEADLINE_EXCEEDED':
      return timeoutError(server, driverCode);
    case 'RESOURCE_EXHAUSTED':
      return new TokenStoreError(
        'THROTTLED',
        'A quota of the Firestore project is used up. Raise it, or try again later; nothing was changed.',
        { driverCode },
      );
    case 'FAILED_PRECONDITION':
      return new TokenStoreError(
        'SCHEMA_UNKNOWN',
        'The Firestore database can not be used like this: it must be in Native mode, with the indexes of single fields that it has by default.',
        { driverCode },
      );
    default:
      return networkFailure(error) ?? projectMissing(error);
  }
}

export function timeoutError(server: string, driverCode?: string): TokenStoreError {
  return new TokenStoreError(
    'TIMEOUT',
    `${server} did not answer in time. See that it is reachable and try again; a save may or may not have happened.`,
    { driverCode },
  );
}

export function schemaUnknown(collection: string): TokenStoreError {
  return new TokenStoreError(
    'SCHEMA_UNKNOWN',
    `The collection ${collection} was written by a later version. Upgrade, or name another collection; it was left as it is.`,
  );
}

export function driverUnavailable(error: unknown): TokenStoreError {
  return new TokenStoreError(
    'DRIVER_UNAVAILABLE',
    '@google-cloud/firestore could not be loaded. Install it, and leave it out of a bundle (`external`, `serverExternalPackages`).',
    { driverCode: driverCodeOf(error) },
  );
}

function projectMissing(error: unknown): TokenStoreError | undefined {
  const texts = /Unable to detect a Project Id|Could not load the default credentials/;
  if (!(error instanceof Error && texts.test(error.message))) return undefined;
  return new TokenStoreError(
    'ACCESS_DENIED',
    'There are no credentials or no project for Firestore. Give projectId and keyFilename in options, or set GOOGLE_APPLICATION_CREDENTIALS.',
  );
}
