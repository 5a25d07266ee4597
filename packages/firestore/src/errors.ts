import { TokenStoreError } from '@tokenkeep/core';
import { driverCodeOf } from '@tokenkeep/core/adapter';
import { type Meanings, meaningOf, networkFailure } from '@tokenkeep/core/adapter/server';

/** The names of gRPC's codes, by number: https://grpc.io/docs/guides/status-codes/ */
const STATUS_NAMES =
  'OK CANCELLED UNKNOWN INVALID_ARGUMENT DEADLINE_EXCEEDED NOT_FOUND ALREADY_EXISTS PERMISSION_DENIED RESOURCE_EXHAUSTED FAILED_PRECONDITION ABORTED OUT_OF_RANGE UNIMPLEMENTED INTERNAL UNAVAILABLE DATA_LOSS UNAUTHENTICATED'.split(
    ' ',
  );

const MEANINGS: Meanings = {
  // What a commit that ended like this has done can not be told.
  'UNAVAILABLE|CANCELLED|INTERNAL|UNKNOWN': ['CONNECTION_FAILED'],
  DEADLINE_EXCEEDED: ['TIMEOUT'],
  'PERMISSION_DENIED|UNAUTHENTICATED': [
    'ACCESS_DENIED',
    'Firestore refuses these credentials. Give the service account the role Cloud Datastore User, or other credentials in options.',
  ],
  NOT_FOUND: [
    'DATABASE_MISSING',
    'Firestore has no such database. Create it, or correct projectId and databaseId in options.',
  ],
  RESOURCE_EXHAUSTED: [
    'THROTTLED',
    'A quota of the Firestore project is used up. Raise it, or try again later; nothing was changed.',
  ],
  FAILED_PRECONDITION: [
    'SCHEMA_UNKNOWN',
    'The Firestore database must be in Native mode, with the indexes of single fields that it has by default.',
  ],
};

/** The name of the code of an error; of one that is not gRPC's, its own code. */
export function statusName(error: unknown): string | undefined {
  const code = driverCodeOf(error);
  return typeof code === 'number' ? STATUS_NAMES[code] : code;
}

/** Whether a commit failed because something is not as it was read, so that nothing was written. */
export function isLostRace(error: unknown): boolean {
  const name = statusName(error) ?? '';
  return ['ABORTED', 'ALREADY_EXISTS', 'FAILED_PRECONDITION', 'NOT_FOUND'].includes(name);
}

/**
 * The client's errors in our terms.
 *
 * @param server its host and port, where they are known
 */
export function translateError(error: unknown, server: string): TokenStoreError | undefined {
  const meaning = meaningOf(MEANINGS, statusName(error), server);
  if (meaning !== undefined) return meaning;
  const missing = /Unable to detect a Project Id|Could not load the default credentials/;
  if (!(error instanceof Error && missing.test(error.message))) return networkFailure(error);
  return new TokenStoreError(
    'ACCESS_DENIED',
    'There are no credentials or no project for Firestore. Give projectId and keyFilename in options, or set GOOGLE_APPLICATION_CREDENTIALS.',
  );
}
