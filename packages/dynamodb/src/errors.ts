import { TokenStoreError, type TokenStoreErrorCode } from '@tokenkeep/core';
import { networkFailure } from '@tokenkeep/core/adapter/server';

/** The name of an error of the SDK, such as `ResourceNotFoundException`. */
export function nameOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  return /^\w{1,64}$/.test(error.name) ? error.name : undefined;
}

type Meaning = readonly [TokenStoreErrorCode, advice: string];

const DENIED: Meaning = [
  'ACCESS_DENIED',
  'AWS refuses these credentials. They need dynamodb:BatchGetItem, Query, PutItem, UpdateItem, DeleteItem and ConditionCheckItem on the table; createTable() needs CreateTable and DescribeTable.',
];
const NO_CREDENTIALS: Meaning = [
  'ACCESS_DENIED',
  'There are no credentials or no region for AWS. Give region and credentials in options, or set AWS_REGION and AWS_PROFILE.',
];
const THROTTLED: Meaning = [
  'THROTTLED',
  'DynamoDB takes no more requests for now, for as long as the timeout. Try again later, or raise the limits of the table or the account; nothing was changed.',
];
const CONTENTION: Meaning = [
  'CONTENTION',
  'Other saves were changing the same records all the time. Try again later; nothing was changed.',
];
const BROKEN: Meaning = [
  'CONNECTION_FAILED',
  'DynamoDB reported a fault of its own. Try again; a save may or may not have happened.',
];
const LATE: Meaning = [
  'TIMEOUT',
  'DynamoDB did not answer in time. Try again; a save may or may not have happened.',
];

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  AccessDeniedException: DENIED,
  UnrecognizedClientException: DENIED,
  InvalidSignatureException: DENIED,
  IncompleteSignatureException: DENIED,
  MissingAuthenticationTokenException: DENIED,
  ExpiredTokenException: DENIED,
  CredentialsProviderError: NO_CREDENTIALS,
  ProvisionedThroughputExceededException: THROTTLED,
  ProvisionedThroughputExceeded: THROTTLED,
  ThrottlingException: THROTTLED,
  ThrottlingError: THROTTLED,
  RequestLimitExceeded: THROTTLED,
  LimitExceededException: THROTTLED,
  TransactionConflictException: CONTENTION,
  TransactionConflict: CONTENTION,
  TransactionInProgressException: CONTENTION,
  InternalServerError: BROKEN,
  InternalFailure: BROKEN,
  ServiceUnavailable: BROKEN,
  ServiceUnavailableException: BROKEN,
  AbortError: LATE,
  TimeoutError: LATE,
  RequestTimeout: LATE,
  ResourceNotFoundException: [
    'DATABASE_MISSING',
    'There is no such table in this region. Create it with createTable(), or correct table and region.',
  ],
  ItemCollectionSizeLimitExceededException: [
    'STORAGE_FULL',
    'The table has a local index that is full. This store needs none: remove it.',
  ],
};

/** The SDK's errors in our terms. */
export function translateError(error: unknown, table: string): TokenStoreError {
  // First: a connection that broke has the name `TimeoutError`, too.
  const network = networkFailure(error);
  if (network !== undefined) return network;
  const names = [...cancellationsOf(error), nameOf(error) ?? ''];
  const driverCode = names.find((name) => Object.hasOwn(MEANINGS, name));
  const meaning = driverCode === undefined ? undefined : MEANINGS[driverCode];
  if (meaning !== undefined) {
    return new TokenStoreError(meaning[0], `${meaning[1]} (table ${table})`, { driverCode });
  }
  if (error instanceof Error) {
    if (/^(?:Region is missing|Could not load credentials)/.test(error.message)) {
      return new TokenStoreError(...NO_CREDENTIALS);
    }
    if (/item size.* exceeded|Collection size.* exceeded/i.test(reasonsOf(error))) {
      return new TokenStoreError(
        'STORAGE_FULL',
        `An item would be longer than DynamoDB takes, 400 KB: too many records have one key in common. Delete some, or save them under different users; nothing was changed. (table ${table})`,
        { driverCode: nameOf(error), retryable: false },
      );
    }
  }
  const name = nameOf(error);
  return new TokenStoreError(
    'STORAGE_FAILED',
    `DynamoDB reported a fault${name === undefined ? '' : ` with the code ${name}`}. (table ${table})`,
    { driverCode: name },
  );
}

/** Why a transaction was cancelled: a code for each of its items that has one. */
function cancellationsOf(error: unknown): string[] {
  return reasonList(error)
    .map(({ Code }) => String(Code))
    .filter((code) => code !== 'None');
}

/** Whether an error says that nothing was done because the service has enough to do. */
export function isThrottled(error: unknown): boolean {
  return translateError(error, '').code === 'THROTTLED';
}

/** Whether a request may have been done although it has failed, and may be sent again. */
export function isUnanswered(error: unknown): boolean {
  return translateError(error, '').code === 'CONNECTION_FAILED';
}

/** Whether a transaction was cancelled because something is not as it was read, or is being changed. */
export function isLostRace(error: unknown): boolean {
  return cancellationsOf(error).some(
    (code) => code === 'ConditionalCheckFailed' || code === 'TransactionConflict',
  );
}

function reasonsOf(error: Error): string {
  return [error.message, ...reasonList(error).map(({ Message }) => String(Message))].join('\n');
}

function reasonList(error: unknown): { readonly Code?: unknown; readonly Message?: unknown }[] {
  const { CancellationReasons } = Object(error) as { CancellationReasons?: unknown };
  return Array.isArray(CancellationReasons) ? CancellationReasons : [];
}
