import { setTimeout as wait } from 'node:timers/promises';
import type {
  BatchGetItemOutput,
  DescribeTableOutput,
  GetItemOutput,
  QueryOutput,
  UpdateItemOutput,
} from '@aws-sdk/client-dynamodb';
import { TokenStoreError } from '@tokenkeep/core';
import { awsAttempts, STALE } from '@tokenkeep/core/adapter/server';
import { type Connection, connect, type Sdk } from './connection.ts';
import { isBusy, isLostRace, isUnanswered } from './errors.ts';
import { type Item, keyOf, type Place, placeName } from './items.ts';
import type { CheckedOptions } from './options.ts';
import type { Transaction } from './transaction.ts';

/** What the answers have that are used here. */
type Answer = Pick<GetItemOutput, 'Item'> &
  Pick<BatchGetItemOutput, 'Responses' | 'UnprocessedKeys'> &
  Pick<QueryOutput, 'Items'> &
  Pick<UpdateItemOutput, 'Attributes'> &
  Pick<DescribeTableOutput, 'Table'>;

/** A service limit of BatchGetItem. */
const MAX_ITEMS_PER_GET = 100;

/** A service limit of TransactWriteItems. */
const MAX_WRITES = 100;

/** How often a request is sent whose answer is lost. */
const MAX_SENDS = 3;

/**
 * Requests to the table, each within the time limit: sent again where DynamoDB throttles, and twice
 * where the answer is lost. All of them can be: transactions have a token that the service knows them
 * by, and a number that is taken twice leaves a gap.
 */
export class Requests {
  readonly #options: CheckedOptions;
  #connection: Connection | undefined;

  constructor(options: CheckedOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    this.#connection ??= await connect(this.#options);
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** Items by {@link placeName}: each as it is now, but not all at one moment. */
  async get(places: readonly Place[]): Promise<Map<string, Item>> {
    const found = new Map<string, Item>();
    const [only] = places;
    if (only !== undefined && places.length === 1) {
      const item = await this.getOne(only);
      return item === undefined ? found : found.set(placeName(only), item);
    }
    const { table, timeout } = this.#options;
    const end = performance.now() + timeout;
    for (let start = 0; start < places.length; start += MAX_ITEMS_PER_GET) {
      let keys: Item[] | undefined = places.slice(start, start + MAX_ITEMS_PER_GET).map(keyOf);
      for (let attempt = 0; keys !== undefined && keys.length > 0; attempt += 1) {
        if (attempt > 0) await pause(attempt, end, throttled);
        const RequestItems = { [table]: { Keys: keys, ConsistentRead: true } };
        const { Responses, UnprocessedKeys }: Answer = await this.send(
          ({ BatchGetItemCommand }) => new BatchGetItemCommand({ RequestItems }),
        );
        for (const item of Responses?.[table] ?? [])
          found.set(placeName([`${item['pk']?.S}`, Number(item['sk']?.N)]), item);
        // What would make the answer too long, or is throttled.
        keys = UnprocessedKeys?.[table]?.Keys;
      }
    }
    return found;
  }

  /** One, which takes less than {@link get}. */
  async getOne(place: Place): Promise<Item | undefined> {
    const input = { TableName: this.#options.table, Key: keyOf(place), ConsistentRead: true };
    return (await this.send(({ GetItemCommand }) => new GetItemCommand(input))).Item;
  }

  /** Items with one partition key and a sort key from one to another, in their order. */
  async query(pk: string, [from, to]: readonly [number, number], limit: number): Promise<Item[]> {
    const { Items = [] } = await this.send(
      ({ QueryCommand }) =>
        new QueryCommand({
          TableName: this.#options.table,
          KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
          ExpressionAttributeValues: {
            ':pk': { S: pk },
            ':from': { N: `${from}` },
            ':to': { N: `${to}` },
          },
          ConsistentRead: true,
          Limit: limit,
        }),
    );
    return Items;
  }

  /** @returns the attributes that were changed */
  async update(place: Place, UpdateExpression: string, more: object): Promise<Item> {
    const { Attributes = {} } = await this.send(
      ({ UpdateItemCommand }) =>
        new UpdateItemCommand({
          TableName: this.#options.table,
          Key: keyOf(place),
          UpdateExpression,
          ...more,
          ReturnValues: 'UPDATED_NEW',
        }),
    );
    return Attributes;
  }

  /** @returns {@link STALE} where a condition does not hold, and nothing was written */
  async transact({ items, token }: Transaction): Promise<undefined | typeof STALE> {
    if (items.length > MAX_WRITES) {
      throw new TokenStoreError(
        'STORAGE_FULL',
        `This would change more than the ${MAX_WRITES} items that a transaction of DynamoDB may have. Delete some of the records that have the token's keys; nothing was changed.`,
        { retryable: false },
      );
    }
    try {
      await this.send(
        ({ TransactWriteItemsCommand }) =>
          new TransactWriteItemsCommand({ TransactItems: items, ClientRequestToken: token }),
      );
    } catch (error) {
      if (isLostRace(error)) return STALE;
      throw error;
    }
  }

  async send(makeCommand: (sdk: Sdk) => object): Promise<Answer> {
    if (this.#connection === undefined) throw new Error('the store is not open');
    const { sdk, client } = this.#connection;
    const end = performance.now() + this.#options.timeout;
    const abortSignal = AbortSignal.timeout(this.#options.timeout);
    let lost: unknown;
    let sent = 0;
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await client.send(makeCommand(sdk), { abortSignal });
      } catch (error) {
        if (isBusy(error)) {
          await pause(attempt, end, error);
        } else if (isUnanswered(error)) {
          lost = error;
          sent += 1;
          if (sent === MAX_SENDS) throw error;
          await pause(attempt, end, error);
        } else if (isLostRace(error) && (lost !== undefined || awsAttempts(error) > 1)) {
          // It may be the request itself that was in its own way, the first time.
          throw lost ?? new UnansweredError();
        } else {
          throw error;
        }
      }
    }
  }
}

/** A request that a client sent again by itself, so that what became of it is not known. */
class UnansweredError extends Error {
  override readonly name = 'ServiceUnavailable';
}

const throttled = Object.assign(new Error('unprocessed keys'), { name: 'ThrottlingException' });

/**
 * A random time, longer from one attempt to the next.
 *
 * @throws `error` where it would take longer than until `end`
 */
async function pause(attempt: number, end: number, error: unknown): Promise<void> {
  const time = Math.random() * Math.min(1_000, 25 * 2 ** attempt);
  if (performance.now() + time > end) throw error;
  await wait(time);
}
