import type { TokenStoreError } from '@tokenkeep/core';
import {
  awsErrorName,
  type Meanings,
  meaningOf,
  networkFailure,
} from '@tokenkeep/core/adapter/server';

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html */
const MEANINGS: Meanings = {
  '(?:AccessDenied|UnrecognizedClient|InvalidSignature|ExpiredToken)Exception|(?:De|En)cryptionFailure':
    [
      'ACCESS_DENIED',
      'AWS refuses these credentials. They need secretsmanager:GetSecretValue, PutSecretValue, UpdateSecretVersionStage and CreateSecret on the secret, and kms:Decrypt and kms:GenerateDataKey on its key.',
    ],
  CredentialsProviderError: [
    'ACCESS_DENIED',
    'There are no credentials or no region for AWS. Give region and credentials in options, or set AWS_REGION and AWS_PROFILE.',
  ],
  ThrottlingException: [
    'THROTTLED',
    'Secrets Manager takes no more requests for now. Try again later; this store is for few saves.',
  ],
  LimitExceededException: [
    'THROTTLED',
    'The secret has as many versions of the last 24 hours as Secrets Manager keeps, 100. Save less often (one save every 15 minutes lasts), or use a store on a database; nothing was changed.',
  ],
  ResourceNotFoundException: [
    'DATABASE_MISSING',
    'The secret, or its current version, was deleted while the store was open. Restore it, or open a new store.',
  ],
  InvalidRequestException: [
    'DATABASE_MISSING',
    'The secret is scheduled for deletion, or managed by another service. Restore it, or name another.',
  ],
  InternalServiceError: [
    'CONNECTION_FAILED',
    'Secrets Manager reported a fault of its own. Try again; a save may or may not have happened.',
  ],
  'AbortError|TimeoutError': [
    'TIMEOUT',
    'Secrets Manager did not answer in time. Try again; a save may or may not have happened.',
  ],
};

/** The SDK's errors in our terms. */
export function translateError(error: unknown, place: string): TokenStoreError | undefined {
  const driverCode = awsErrorName(error);
  // What stands before the service may answer in a way of its own: 502, 503 with a page.
  const isServersFault = Number(Object(error).$metadata?.httpStatusCode) >= 500;
  return (
    // First: a connection that broke has the name `TimeoutError`, too.
    networkFailure(error) ??
    meaningOf(MEANINGS, driverCode, place) ??
    (isServersFault ? meaningOf(MEANINGS, 'InternalServiceError', place) : undefined)
  );
}
