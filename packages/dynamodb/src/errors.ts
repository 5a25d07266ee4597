import { TokenStoreError } from '@tokenkeep/core';
import {
  awsErrorName,
  type Meanings,
  meaningOf,
  networkFailure,
} from '@tokenkeep/core/adapter/server';

/** https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html */
const MEANINGS: Meanings = {
  '(?:AccessDenied|UnrecognizedClient|\\w+Signature|MissingAuthenticationToken|ExpiredToken)Exception':
    [
      'ACCESS_DENIED',
      'AWS refuses these credentials. They need dynamodb:GetItem, BatchGetItem, Query, PutItem, UpdateItem, DeleteItem and ConditionCheckItem on the table; createTable() needs CreateTable and DescribeTable.',
    ],
  CredentialsProviderError: [
    'ACCESS_DENIED',
    'There are no credentials or no region for AWS. Give region and credentials in options, or set AWS_REGION and AWS_PROFILE.',
  ],
  '(?:RequestLimitExceeded|LimitExceeded|ProvisionedThroughputExceeded|Throttling)(?:Exception|Error)?':
    [
      'THROTTLED',
      'DynamoDB takes no more requests for now, for as long as the timeout. Try again later, or raise the limits of the table or the account; nothing was changed.',
    ],
  'Transaction(?:Conflict|ConflictException|InProgressException)': [
    'CONTENTION',
    'Other saves were changing the same records all the time. Try again later; nothing was changed.',
  ],
  'InternalServerError|InternalFailure|ServiceUnavailable|ServiceUnavailableException': [
    'CONNECTION_FAILED',
    'DynamoDB reported a fault of its own. Try again; a save may or may not have happened.',
  ],
  'AbortError|TimeoutError|RequestTimeout': [
    'TIMEOUT',
    'DynamoDB did not answer in time. Try again; a save may or may not have happened.',
  ],
  ResourceNotFoundException: [
    'DATABASE_MISSING',
    'There is no such table in this region. Create it with createTable(), or correct table and region.',
  ],
  ItemCollectionSizeLimitExceededException: [
    'STORAGE_FULL',
    'The table has a local index that is full. This store needs none: remove it.',
  ],
};

export function schemaUnknown(table: string, why: string): TokenStoreError {
  return new TokenStoreError('SCHEMA_UNKNOWN', `The table ${table} ${why}; it was left as it is.`);
}

/** What {@link schemaUnknown} says of a table of somebody else. */
export const OTHER_KEYS = 'has other keys than pk and sk. Name another table';

/** The SDK's errors in our terms. */
export function translateError(error: unknown, table: string): TokenStoreError {
  // First: a connection that broke has the name `TimeoutError`, too.
  const network = networkFailure(error);
  if (network !== undefined) return network;
  const driverCode = awsErrorName(error);
  for (const code of [...cancellationsOf(error), driverCode]) {
    const meaning = meaningOf(MEANINGS, code, `table ${table}`);
    if (meaning !== undefined) return meaning;
  }
  if (/(?:item|collection) size.* exceeded/i.test(textsOf(error))) {
    return new TokenStoreError(
      'STORAGE_FULL',
      `An item would be longer than DynamoDB takes, 400 KB: too many records have one key in common. Delete some, or save them under different users; nothing was changed. (table ${table})`,
      { driverCode, retryable: false },
    );
  }
  return new TokenStoreError(
    'STORAGE_FAILED',
    `DynamoDB reported a fault${driverCode === undefined ? '' : ` with the code ${driverCode}`}. (table ${table})`,
    { driverCode },
  );
}

/** Why a transaction was cancelled: a code for each of its items that has one. */
function cancellationsOf(error: unknown): string[] {
  return reasonsOf(error)
    .map(({ Code }) => String(Code))
    .filter((code) => code !== 'None');
}

/** Whether nothing was done for now: the service has enough to do, or a transaction has the item. */
export function isBusy(error: unknown): boolean {
  return (
    awsErrorName(error) === 'TransactionConflictException' ||
    translateError(error, '').code === 'THROTTLED'
  );
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

/** For what has no code: its messages, a line each. */
function textsOf(error: unknown): string {
  if (!(error instanceof Error)) return '';
  return [error.message, ...reasonsOf(error).map(({ Message }) => String(Message))].join('\n');
}

function reasonsOf(error: unknown): { readonly Code?: unknown; readonly Message?: unknown }[] {
  const { CancellationReasons } = Object(error) as { CancellationReasons?: unknown };
  return Array.isArray(CancellationReasons) ? CancellationReasons : [];
}
