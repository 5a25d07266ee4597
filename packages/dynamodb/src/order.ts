import { type Item, numberIn, type Place } from './items.ts';
import type { Requests } from './requests.ts';
import type { Transaction } from './transaction.ts';

/** The last number that was given out. */
const COUNTER: Place = ['counter', 0];

/** How many numbers are under one partition key: so many records are listed by one query after another. */
const NUMBERS_PER_BUCKET = 100_000;

const PAGE_SIZE = 100;

/** The digests of the ids of some records, and their numbers. */
export type Page = ReadonlyMap<string, number>;

/** The order in which records were first saved: each has a number, and an item that is named after it. */
export class Order {
  readonly #requests: Requests;

  constructor(requests: Requests) {
    this.#requests = requests;
  }

  /** Of a record that is added. One that is not added after all leaves a gap. */
  async nextNumber(): Promise<number> {
    const changed = await this.#requests.update(COUNTER, 'ADD #last :one', {
      ExpressionAttributeNames: { '#last': 'last' },
      ExpressionAttributeValues: { ':one': { N: '1' } },
    });
    return numberIn(changed, 'last');
  }

  add(transaction: Transaction, number: number, holder: string): void {
    transaction.put(placeOf(number), { holder: { S: holder } });
  }

  remove(transaction: Transaction, number: number): void {
    transaction.delete(placeOf(number));
  }

  /** The records that were saved before it began. */
  async *pages(): AsyncGenerator<Page> {
    const end = numberIn(await this.#requests.getOne(COUNTER), 'last');
    for (let last = 0; last < end; ) {
      const [bucket] = placeOf(last + 1);
      const upTo = Math.min(end, lastOfBucket(last + 1));
      const items = await this.#requests.query(bucket, [last + 1, upTo], PAGE_SIZE);
      yield new Map(items.map((item: Item) => [item['holder']?.S ?? '', numberIn(item, 'sk')]));
      last = items.length < PAGE_SIZE ? upTo : numberIn(items.at(-1), 'sk');
    }
  }
}

function placeOf(number: number): Place {
  return [`order:${Math.floor(number / NUMBERS_PER_BUCKET)}`, number];
}

function lastOfBucket(number: number): number {
  return (Math.floor(number / NUMBERS_PER_BUCKET) + 1) * NUMBERS_PER_BUCKET - 1;
}
