import { TokenStoreError, type TokenStoreErrorCode } from '@tokenkeep/core';
import { networkFailure } from '@tokenkeep/core/adapter/server';

/** The name of an error of the SDK, such as `ResourceNotFoundException`. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return /^\w{1,64}$/.test(error.name) ? error.name : undefined;
}

type Meaning = readonly [TokenStoreErrorCode, advice: string];

const DENIED: Meaning = [
  'ACCESS_DENIED',
  'AWS refuses these credentials. They need secretsmanager:GetSecretValue, PutSecretValue, UpdateSecretVersionStage and CreateSecret on the secret, and kms:Decrypt and kms:GenerateDataKey on its key.',
];
const NO_CREDENTIALS: Meaning = [
  'ACCESS_DENIED',
  'There are no credentials or no region for AWS. Give region and credentials in options, or set AWS_REGION and AWS_PROFILE.',
];
const THROTTLED: Meaning = [
  'THROTTLED',
  'Secrets Manager takes no more requests for now. Try again later; this store is for few saves.',
];

/** https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  AccessDeniedException: DENIED,
  UnrecognizedClientException: DENIED,
  InvalidSignatureException: DENIED,
  ExpiredTokenException: DENIED,
  DecryptionFailure: DENIED,
  EncryptionFailure: DENIED,
  CredentialsProviderError: NO_CREDENTIALS,
  ThrottlingException: THROTTLED,
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
  AbortError: [
    'TIMEOUT',
    'Secrets Manager did not answer in time. Try again; a save may or may not have happened.',
  ],
  TimeoutError: [
    'TIMEOUT',
    'Secrets Manager did not answer in time. Try again; a save may or may not have happened.',
  ],
};

/** The SDK's errors in our terms. */
export function translateError(error: unknown, place: string): TokenStoreError | undefined {
  // First: a connection that broke has the name `TimeoutError`, too.
  const network = networkFailure(error);
  if (network !== undefined) return network;
  const driverCode = codeOf(error);
  // What stands before the service may answer in a way of its own: 502, 503 with a page.
  const isServersFault = Number(Object(error).$metadata?.httpStatusCode) >= 500;
  const meaning =
    MEANINGS[driverCode ?? ''] ?? (isServersFault ? MEANINGS['InternalServiceError'] : undefined);
  if (meaning !== undefined) {
    const [code, advice] = meaning;
    return new TokenStoreError(code, `${advice} (${place})`, { driverCode });
  }
  if (
    error instanceof Error &&
    /^(?:Region is missing|Could not load credentials)/.test(error.message)
  ) {
    return new TokenStoreError(...NO_CREDENTIALS);
  }
  return undefined;
}
