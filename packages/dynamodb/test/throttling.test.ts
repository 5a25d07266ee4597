import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { OAuthToken } from '@tokenkeep/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DynamodbClientLike } from '../src/index.ts';
import { failure, save, Tables, user } from './tables.ts';

const tables = Tables.forThisFile();
const ada = user('ada');

let client: DynamoDBClient;
let table: string;
beforeAll(async () => {
  client = tables.client();
  table = await tables.create();
});
afterAll(() => client.destroy());

/** DynamoDB Local throttles nobody: a client that is given an error in place of some answers. */
class FailingClient implements DynamodbClientLike {
  failures = 0;
  readonly #command: string;
  readonly #error: object;
  readonly #times: number;

  constructor(command: string, error: object, times: number = Number.POSITIVE_INFINITY) {
    this.#command = command;
    this.#error = error;
    this.#times = times;
  }

  async send(command: object, options?: object): Promise<unknown> {
    if (command.constructor.name === this.#command && this.failures < this.#times) {
      this.failures += 1;
      throw Object.assign(new Error('a secret'), this.#error);
    }
    return client.send(command as never, options);
  }
}

const cancelled = (...codes: string[]) => ({
  name: 'TransactionCanceledException',
  CancellationReasons: codes.map((Code) => ({ Code, Message: 'a secret' })),
});
const THROTTLED = [
  { name: 'ProvisionedThroughputExceededException' },
  { name: 'ThrottlingException' },
  { name: 'RequestLimitExceeded' },
  cancelled('None', 'ThrottlingError'),
  cancelled('ProvisionedThroughputExceeded', 'None'),
];

describe('a save that is throttled', () => {
  it.each(THROTTLED)('is done when that is over: %j', async (error) => {
    const failing = new FailingClient('TransactWriteItemsCommand', error, 3);
    await using store = tables.open(table, { client: failing });
    expect(await save(store, { refreshToken: crypto.randomUUID() })).toMatchObject({ version: 1 });
    expect(failing.failures).toBe(3);
  });

  it.each(THROTTLED)('for as long as the timeout is THROTTLED: %j', async (error) => {
    const failing = new FailingClient('TransactWriteItemsCommand', error);
    await using store = tables.open(table, { client: failing, timeout: 500 });
    const thrown = await failure(save(store, { refreshToken: crypto.randomUUID() }));
    expect(thrown).toMatchObject({ code: 'THROTTLED', retryable: true, operation: 'saveToken' });
    expect(thrown.message).not.toContain('a secret');
    expect(failing.failures).toBeGreaterThan(1);
  });

  it('while it reads, too, and where only some items are read', async () => {
    await using before = tables.open(table);
    await save(before, { ...ada, refreshToken: 'r' });
    const failing = new FailingClient('BatchGetItemCommand', THROTTLED[0] ?? {}, 3);
    let unprocessed = 2;
    const partial: DynamodbClientLike = {
      async send(command, options) {
        const answer = (await failing.send(command, options)) as { Responses?: object };
        if (command.input.RequestItems === undefined || unprocessed === 0) return answer;
        unprocessed -= 1;
        return { Responses: {}, UnprocessedKeys: command.input.RequestItems };
      },
    };
    await using store = tables.open(table, { client: partial });
    expect(await save(store, { ...ada, accessToken: 'a' })).toMatchObject({ refreshToken: 'r' });
    expect([failing.failures, unprocessed]).toEqual([3, 0]);
  });
});

describe('a save that is in the way of others', () => {
  it('takes its number again where a transaction has the item', async () => {
    const error = { name: 'TransactionConflictException' };
    const failing = new FailingClient('UpdateItemCommand', error, 3);
    await using store = tables.open(table, { client: failing });
    expect(await save(store, { refreshToken: crypto.randomUUID() })).toMatchObject({ version: 1 });
    expect(failing.failures).toBe(3);
  });

  it('is tried again', async () => {
    const error = cancelled('None', 'TransactionConflict');
    const failing = new FailingClient('TransactWriteItemsCommand', error, 3);
    await using store = tables.open(table, { client: failing });
    expect(await save(store, { refreshToken: crypto.randomUUID() })).toMatchObject({ version: 1 });
    expect(failing.failures).toBe(3);
  });

  it('of which a condition did not hold is not sent again as it is', async () => {
    const error = cancelled('ConditionalCheckFailed', 'ThrottlingError');
    const failing = new FailingClient('TransactWriteItemsCommand', error, 1);
    await using store = tables.open(table, { client: failing });
    expect(await save(store, { refreshToken: crypto.randomUUID() })).toMatchObject({ version: 1 });
  });
});

describe('a save that is in its own way: it was done, and DynamoDB knows it no more', () => {
  const refused = cancelled('ConditionalCheckFailed', 'None');
  it.each([
    ['sent again by the store', { code: 'ECONNRESET' }, refused],
    ['sent again by a client', { ...refused, $metadata: { attempts: 2 } }, undefined],
  ])('%s, it is done once', async (_title, first, second) => {
    const errors = [first, second].filter((error) => error !== undefined);
    let sent = 0;
    const repeating: DynamodbClientLike = {
      async send(command, options) {
        if (command.constructor.name !== 'TransactWriteItemsCommand') {
          return client.send(command, options);
        }
        sent += 1;
        if (sent === 1) await client.send(command, options);
        const error = errors.shift();
        if (error !== undefined) throw Object.assign(new Error('a secret'), error);
        return client.send(command, options);
      },
    };
    await using store = tables.open(table, { client: repeating });
    const refreshToken = crypto.randomUUID();
    expect(await save(store, { refreshToken })).toMatchObject({ version: 1 });
    expect(await store.findToken(new OAuthToken({ refreshToken }))).toMatchObject({ version: 1 });
    expect(sent).toBe(second === undefined ? 1 : 2);
  });
});

describe('what else DynamoDB refuses', () => {
  it.each([
    ['AccessDeniedException', 'ACCESS_DENIED', 'dynamodb:GetItem'],
    ['UnrecognizedClientException', 'ACCESS_DENIED', 'credentials'],
    ['ExpiredTokenException', 'ACCESS_DENIED', 'credentials'],
    ['CredentialsProviderError', 'ACCESS_DENIED', 'AWS_REGION'],
    ['ResourceNotFoundException', 'DATABASE_MISSING', 'createTable()'],
    ['InternalServerError', 'CONNECTION_FAILED', 'Try again'],
    ['KMSKeyDisabledException', 'STORAGE_FAILED', 'KMSKeyDisabledException'],
  ])('%s is %s', async (name, code, advice) => {
    const failing = new FailingClient('GetItemCommand', { name });
    await using store = tables.open(table, { client: failing });
    const error = await failure(store.getTokens());
    expect(error).toMatchObject({ code, driverCode: name, operation: 'getTokens' });
    expect(error.message).toContain(advice);
    expect(error.message).not.toContain('a secret');
  });

  it('an item that is too long is STORAGE_FULL', async () => {
    const error = {
      name: 'ValidationException',
      message: 'Item size has exceeded the maximum allowed size',
    };
    const failing = new FailingClient('TransactWriteItemsCommand', error);
    await using store = tables.open(table, { client: failing });
    expect(await failure(save(store, { refreshToken: crypto.randomUUID() }))).toMatchObject({
      code: 'STORAGE_FULL',
      retryable: false,
    });
  });
});
